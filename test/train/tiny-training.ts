import { join } from "node:path";
import { startEngine } from "#lib/engine/start";
import type { Predictions } from "#lib/evaluate/predictions";
import { createModel } from "#lib/models/registry";
import { predict } from "#lib/predict/network-predictor";
import { createTask } from "#lib/tasks/registry";
import {
  parseConfig,
  type TrainConfig,
  type TrainSettings,
  trainConfigSchema,
} from "#lib/train/config";
import { type FitInputs, type FitOptions, fit as train } from "#lib/train/fit";
import { RunFolder } from "#lib/train/run-folder";
import { rowsOf, temporaryFolder, tinyDataset } from "./support";
import { knowTinyNetwork } from "./tiny-network";

export const dataset = tinyDataset();
export const task = createTask(dataset);
export const rows = { train: rowsOf(0, 48), val: rowsOf(48, 64) };

export const config = (settings: TrainSettings = {}): TrainConfig =>
  parseConfig(trainConfigSchema, {
    epochs: 3,
    batchSize: 8,
    // Every one of the others makes the graph several times as large.
    augmentation: "none",
    ema: 0.9,
    optimizer: { learningRate: 3e-3, clipNorm: 1, weightDecay: 0.01 },
    ...settings,
  });

/** Train the tiny network in a folder, and look at what it learned. */
export async function trainOnce(
  path: string,
  c: TrainConfig,
  options: FitOptions = {},
  learned: Pick<FitInputs, "train" | "val"> & Partial<Pick<FitInputs, "dataset">> = rows,
  name = "tiny",
) {
  const model = createModel(name, { numClasses: 2, seed: c.seed });
  const run = new RunFolder(path);
  try {
    const losses: number[] = [];
    const result = await train({ model, task, dataset, ...learned }, c, run, {
      ...options,
      onStep: (report) => {
        losses.push(report.means.loss);
        options.onStep?.(report);
      },
    });
    const predictions = (await predict(model, task, dataset, rows.val)) as Predictions;
    const weights = [...model.parameters.values()].map(({ variable }) => variable.dataSync());
    return { result, losses, predictions, weights };
  } finally {
    model.dispose();
  }
}

/** A temporary folder for each test, and the engine, which knows the tiny network. @returns a path in it */
export function trainingFolder(): (name: string) => string {
  let folder: ReturnType<typeof temporaryFolder>;
  knowTinyNetwork();
  before(() => startEngine());
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());
  return (name) => join(folder.path, name);
}
