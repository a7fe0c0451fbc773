import { UserError } from "../core/errors";
import { asText } from "../core/table";
import type { Dataset } from "../data/dataset";
import { withView } from "../data/view";
import type { Precision } from "../engine/start";
import type { Model } from "../models/module";
import type { PredictionTable, Task } from "../tasks/task";
import {
  type AnswerOptions,
  answerFunction,
  type DropoutOptions,
  featureFunction,
  type ImageFunction,
  meanOfSamples,
  type PassOptions,
  paddedBatch,
  passOver,
  sampleFunction,
} from "./answers";
import { compileNetwork } from "./compile-network";
import { everyRow, type Predictor } from "./predictor";

/** How a network is asked; the block `predict` of a run's config. */
export interface NetworkOptions extends PassOptions, AnswerOptions, DropoutOptions {
  /** Number format of the heavy ops. Default `float32`. */
  readonly precision?: Precision;
}

/**
 * A network that answers a task. It is compiled once; weights that change afterwards are used.
 *
 * @param model Stays the caller's.
 * @param options Also the defaults of its calls.
 * @throws UserError when the network has another number of logits than the task needs, or values are to be
 *   dropped, and it has no layer that drops any
 */
export function networkPredictor<Table extends PredictionTable>(
  model: Model,
  task: Task<Table>,
  options: NetworkOptions = {},
): Predictor<Table> {
  const { precision, dropoutSamples = 0, ...defaults } = options;
  if (model.numClasses !== task.numLogits) {
    throw new UserError(
      `${model.name} has ${model.numClasses} outputs, and ${task.numLogits} are needed for ${task.outputs.join(", ")}`,
      `build it with numClasses: ${task.numLogits}, or give weights of a model trained for this`,
    );
  }
  if (dropoutSamples > 0 && model.drops.size === 0) {
    throw new UserError(
      `${model.name} was built without dropout, so that predict.dropoutSamples can have no effect`,
      "train it with model.dropout above 0, or leave the key out",
    );
  }
  const functions = {
    answers: answerFunction(model, task, options),
    features: featureFunction(model),
    sample: sampleFunction(model, task, options),
  };
  const compiled = compileNetwork(model, functions, precision);
  const pass = (
    name: "answers" | "features",
    dataset: Dataset,
    rows: ArrayLike<number>,
    given?: PassOptions,
  ) => {
    const chosen = { ...defaults, ...given };
    const call = compiled.callFor(paddedBatch(rows.length, chosen.batchSize), rows.length);
    const samples = name === "answers" && dropoutSamples > 0;
    const fn: ImageFunction = samples ? meanOfSamples(call.sample, options) : call[name];
    return passOver(atInputSize(model, dataset), rows, fn, chosen);
  };
  return {
    task,
    async predict(dataset, rows = everyRow(dataset), given) {
      const { values } = await pass("answers", dataset, rows, given);
      return task.table(dataset, rows, values);
    },
    async features(dataset, rows = everyRow(dataset), given) {
      const { values, width } = await pass("features", dataset, rows, given);
      const ids = asText(dataset.table.id);
      return {
        ids: Array.from(rows, (row) => ids[row]),
        values: Float32Array.from(values),
        width,
      };
    },
    dispose: () => compiled.dispose(),
  };
}

/** The data set at the size that the network takes: one that is resized anyway is resized to it. */
export function atInputSize(model: Model, dataset: Dataset): Dataset {
  const { name, imageSize, view } = dataset;
  const [height, width] = model.inputSize;
  if (imageSize[0] === height && imageSize[1] === width) return dataset;
  if (view.size !== undefined && height === width)
    return withView(dataset, { ...view, size: height });
  throw new UserError(
    `${name} is read as ${imageSize.join(" × ")} pixels, and ${model.name} takes ${model.inputSize.join(" × ")}`,
    `open the data with size: ${model.inputSize[0]}`,
  );
}

/**
 * The answers of a network about some galaxies, compiled for this call alone: {@link networkPredictor}
 * is for several.
 *
 * @param rows Row numbers. Default: all.
 */
export async function predict<Table extends PredictionTable>(
  model: Model,
  task: Task<Table>,
  dataset: Dataset,
  rows?: ArrayLike<number>,
  options: NetworkOptions = {},
): Promise<Table> {
  const predictor = networkPredictor(model, task, options);
  try {
    return await predictor.predict(dataset, rows);
  } finally {
    predictor.dispose();
  }
}
