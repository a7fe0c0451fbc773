import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "#lib/data/dataset";
import { startEngine } from "#lib/engine/start";
import type { Predictions } from "#lib/evaluate/predictions";
import { createModel, registerArchitecture } from "#lib/models/registry";
import { predict } from "#lib/predict/network-predictor";
import { createTask } from "#lib/tasks/registry";
import { openCheckpoint } from "#lib/train/checkpoint";
import {
  parseConfig,
  type TrainConfig,
  type TrainSettings,
  trainConfigSchema,
} from "#lib/train/config";
import { type FitInputs, type FitOptions, fit as train } from "#lib/train/fit";
import { RunFolder } from "#lib/train/run-folder";
import { updateOf } from "#lib/train/stages";
import { rowsOf, temporaryFolder, tinyDataset } from "./support";
import { tinyNetwork } from "./tiny-network";

const dataset = tinyDataset();
const task = createTask(dataset);
const rows = { train: rowsOf(0, 48), val: rowsOf(48, 64) };

const config = (settings: TrainSettings = {}): TrainConfig =>
  parseConfig(trainConfigSchema, {
    epochs: 3,
    batchSize: 8,
    // Every one of the others makes the graph several times as large.
    augmentation: "none",
    ema: 0.9,
    optimizer: { learningRate: 3e-3, clipNorm: 1, weightDecay: 0.01 },
    ...settings,
  });

async function trainOnce(
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

describe("fit", function () {
  this.timeout(240_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let takeOut: () => void;
  before(() => {
    takeOut = registerArchitecture(tinyNetwork);
    return startEngine();
  });
  after(() => takeOut());
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it("learns two colors, and gives the best epoch's weights back", async () => {
    const { result, predictions } = await trainOnce(
      join(folder.path, "a"),
      config({ epochs: 8, augmentation: "galaxy", ema: 0 }),
    );
    assert.equal(result.history.epoch.length, 8);
    assert.ok(result.history.valAccuracy[result.bestEpoch - 1] >= 0.9);
    const right = predictions.labels.filter((label, i) => predictions.predicted[i] === label);
    assert.ok(right.length / predictions.labels.length >= 0.9);
  });

  it("gives the same losses to the last digit for the same seed, others for another", async () => {
    const settings = { epochs: 1, augmentation: "strong" } as const;
    const one = await trainOnce(join(folder.path, "a"), config(settings));
    const two = await trainOnce(join(folder.path, "b"), config(settings));
    const other = await trainOnce(join(folder.path, "c"), config({ ...settings, seed: 1 }));
    assert.deepEqual(one.losses, two.losses);
    assert.notDeepEqual(one.losses, other.losses);
  });

  it("goes on from an interrupt inside an epoch to the same losses", async () => {
    const c = config({
      augmentation: "strong",
      optimizer: { learningRate: 3e-3, gradientAccumulation: 4 },
    });
    const whole = await trainOnce(join(folder.path, "whole"), c);
    const stop = new AbortController();
    let steps = 0;
    const path = join(folder.path, "stopped");
    await assert.rejects(
      trainOnce(path, c, {
        signal: stop.signal,
        onStep: () => {
          if (++steps === 9) stop.abort(new Error("stopped by the test"));
        },
      }),
      /stopped by the test/,
    );
    assert.equal(steps, 9, "no step follows the interrupt");
    const rest = await trainOnce(path, c);
    assert.deepEqual(rest.losses, whole.losses.slice(9));
    assert.deepEqual(rest.result.history, whole.result.history);
    assert.deepEqual(rest.predictions, whole.predictions);
  });

  it("learns from parts side by side where the processor gains by it, and goes on with as many elsewhere", async () => {
    const outside = process.env.TUNING_FORK_PROCESSOR;
    const c = config({ epochs: 1, ema: 0 });
    const learned = async (processor: string, folder: string, options: FitOptions = {}) => {
      process.env.TUNING_FORK_PROCESSOR = processor;
      return trainOnce(folder, c, options, rows, "test_vit");
    };
    try {
      const plain = await learned("avx2", join(folder.path, "plain"));
      const parted = await learned("amx_bf16", join(folder.path, "parted"));
      for (const [i, loss] of plain.losses.entries())
        assert.ok(
          Math.abs(parted.losses[i] - loss) < 1e-5 * loss,
          `${parted.losses[i]} for ${loss}`,
        );
      const stop = new AbortController();
      const stopped = join(folder.path, "stopped");
      let steps = 0;
      const onStep = () => ++steps === 3 && stop.abort(new Error("stopped by the test"));
      const options = { signal: stop.signal, onStep };
      await assert.rejects(learned("amx_bf16", stopped, options), /stopped by the test/);
      const parts = Math.min(availableParallelism(), 4);
      const { latestPath } = new RunFolder(stopped);
      assert.equal(openCheckpoint(latestPath)?.training.parts, parts);
      assert.deepEqual((await learned("avx2", stopped)).weights, parted.weights);
    } finally {
      if (outside === undefined) delete process.env.TUNING_FORK_PROCESSOR;
      else process.env.TUNING_FORK_PROCESSOR = outside;
    }
  });

  for (const learned of [rows, { train: rows.train }]) {
    const where = "val" in learned ? "with" : "without";
    it(`ends with the weights' moving average, ${where} a validation split`, async () => {
      const once = (ema: number, options: FitOptions = {}) =>
        trainOnce(join(folder.path, `ema-${ema}`), config({ ema }), options, learned);
      const raw = await once(0);
      const averaged = await once(0.99);
      // The average changes what is kept, not how the training goes.
      assert.deepEqual(averaged.losses, raw.losses);
      assert.notDeepEqual(averaged.weights, raw.weights);

      rmSync(join(folder.path, "ema-0.99"), { recursive: true });
      const stop = new AbortController();
      let steps = 0;
      const onStep = () => ++steps === 15 && stop.abort(new Error("stopped by the test"));
      await assert.rejects(once(0.99, { signal: stop.signal, onStep }), /stopped by the test/);
      assert.deepEqual((await once(0.99)).weights, averaged.weights);
      assert.deepEqual((await once(0.99)).weights, averaged.weights, "when nothing is left to do");
    });
  }

  it("trains in stages, the backbone frozen at first", async () => {
    const model = createModel("tiny", { numClasses: 2 });
    const name = "stem.conv.weight";
    const before = model.parameters.get(name)?.variable.dataSync().slice();
    // Without a validation split the last epoch is the best one.
    const run = new RunFolder(join(folder.path, "stages"));
    const stages: TrainSettings["stages"] = [{ epochs: 1, freeze: "backbone" }];
    const inputs = { model, task, dataset, train: rows.train };
    await train(inputs, config({ epochs: undefined, stages, ema: 0 }), run);
    assert.deepEqual(model.parameters.get(name)?.variable.dataSync(), before);
    const both = config({
      epochs: undefined,
      ema: 0,
      stages: [...stages, { epochs: 1, learningRate: 1e-3 }],
    });
    await train(inputs, both, new RunFolder(join(folder.path, "both")));
    assert.notDeepEqual(model.parameters.get(name)?.variable.dataSync(), before);
    model.dispose();
  });

  it("ends early when nothing gets better", async () => {
    const { result } = await trainOnce(
      join(folder.path, "a"),
      config({
        epochs: 30,
        optimizer: { name: "sgd", learningRate: 1e-12 },
        ema: 0,
        earlyStopping: { metric: "valAccuracy", patience: 2 },
      }),
    );
    assert.ok(result.stoppedEarly);
    assert.ok(result.history.epoch.length < 12);
  });

  it("leaves no tensor behind", async () => {
    await trainOnce(join(folder.path, "warm"), config({ epochs: 1 }));
    const before = tf.memory().numTensors;
    await trainOnce(join(folder.path, "a"), config({ epochs: 1 }));
    assert.equal(tf.memory().numTensors, before);
  });

  it("says where a loss that is no number began, and keeps the checkpoint before", async () => {
    const path = join(folder.path, "nan");
    const c = config({
      augmentation: "none",
      ema: 0,
      epochs: 20,
      schedule: { name: "constant" },
      optimizer: { name: "sgd", learningRate: 1e30, momentum: 0 },
    });
    await assert.rejects(trainOnce(path, c), /the loss of step \d+ is|is not finite/);
    process.env.TUNING_FORK_FIND_NAN = "1";
    try {
      await assert.rejects(
        trainOnce(join(folder.path, "nan-found"), c),
        /it began in the op \w+ after [\w.]+\.(weight|bias)/,
      );
    } finally {
      delete process.env.TUNING_FORK_FIND_NAN;
    }
    const checkpoint = openCheckpoint(join(path, "checkpoints", "latest"));
    if (checkpoint !== undefined) assert.ok(checkpoint.training.history.length < 20);
  });

  it("keeps no weights that the very last step has spoilt", async () => {
    const path = join(folder.path, "last");
    const optimizer = { name: "sgd", learningRate: 1e39, momentum: 0 } as const;
    // One step, after which nothing is computed any more.
    const schedule = { name: "constant" } as const;
    const common = { epochs: 1, batchSize: 48, ema: 0, augmentation: "none" } as const;
    const c = config({ ...common, optimizer, schedule });
    await assert.rejects(
      trainOnce(path, c, {}, { train: rows.train }),
      /after the last step .* not/,
    );
    assert.equal(openCheckpoint(join(path, "checkpoints", "best")), undefined);
  });

  it("moves the weights with the rest of an epoch's batches, by their mean", async () => {
    const plain = { name: "sgd", learningRate: 0.01, momentum: 0 } as const;
    const once = async (name: string, gradientAccumulation: number, batchSize: number) => {
      const optimizer = { ...plain, gradientAccumulation };
      const schedule = { name: "constant" } as const;
      const c = config({ epochs: 1, batchSize, ema: 0, augmentation: "none", optimizer, schedule });
      return (await trainOnce(join(folder.path, name), c, {}, { train: rows.train })).weights;
    };
    // Six batches of eight: four and two of them make an update.
    const away = (a: tf.TypedArray[], b: tf.TypedArray[]) =>
      Math.max(...a.flatMap((values, i) => Array.from(values, (v, at) => Math.abs(v - b[i][at]))));
    const [all, four, each] = [
      await once("all", 6, 8),
      await once("four", 4, 8),
      await once("each", 1, 8),
    ];
    assert.ok(away(four, all) > 1e-4 && away(four, each) > 1e-4);
    await assert.rejects(
      once("seven", 7, 8),
      /gradientAccumulation is 7, and an epoch has 6 batches/,
    );
    assert.deepEqual(updateOf(9, 6, 4), { number: 3, batches: 4, isFull: true });
    assert.deepEqual(updateOf(11, 6, 4), { number: 4, batches: 2, isFull: true });
    assert.deepEqual(updateOf(10, 6, 4), { number: 4, batches: 1, isFull: false });
  });

  it("goes on with the evaluation when it was interrupted there", async () => {
    const c = config({ epochs: 2, augmentation: "none" });
    const whole = await trainOnce(join(folder.path, "whole"), c);
    const path = join(folder.path, "stopped");
    const stop = new AbortController();
    let steps = 0;
    const onStep = () => void steps++;
    const read: Dataset["read"] = async (wanted, view) => {
      const isValidation = Array.from(wanted).some((row) => rows.val.includes(row));
      if (steps === 6 && isValidation) stop.abort(new Error("enough"));
      return dataset.read(wanted, view);
    };
    await assert.rejects(
      trainOnce(
        path,
        c,
        { signal: stop.signal, onStep },
        { ...rows, dataset: { ...dataset, read } },
      ),
      /enough/,
    );
    const { training } = openCheckpoint(join(path, "checkpoints", "latest")) ?? {};
    assert.deepEqual([training?.epoch, training?.batch, training?.step], [0, 6, 6]);
    const rest = await trainOnce(path, c);
    assert.equal(rest.losses.length, 6, "no step is done twice");
    assert.deepEqual(rest.result.history, whole.result.history);
  });

  it("refuses what has no effect without a validation split, and a model of other outputs", async () => {
    const run = (settings: TrainSettings) =>
      trainOnce(join(folder.path, "idle"), config(settings), {}, { train: rows.train });
    await assert.rejects(
      run({ earlyStopping: { patience: 2 }, monitor: "valLoss", validationInterval: 2 }),
      /no validation split, without which train\.monitor and train\.earlyStopping and train\.val/,
    );
    const model = createModel("tiny", { numClasses: 1 });
    const inputs = { model, task, dataset, ...rows };
    const folderOf = new RunFolder(join(folder.path, "other"));
    await assert.rejects(
      train(inputs, config(), folderOf),
      /has 1 outputs, and the task 2: gray, red/,
    );
    model.dispose();
  });

  it("refuses a batch larger than the data", async () => {
    await assert.rejects(
      trainOnce(join(folder.path, "big"), config({ batchSize: 100 })),
      /the training split has 48 rows and a batch 100/,
    );
  });

  it("refuses a validation split without rows, and leaves nothing in the folder", async () => {
    const path = join(folder.path, "no-rows");
    await assert.rejects(
      trainOnce(path, config(), {}, { train: rows.train, val: new Uint32Array() }),
      /the validation split has no rows/,
    );
    assert.deepEqual(readdirSync(path), []);
  });

  it("names a damaged checkpoint file", async () => {
    const path = join(folder.path, "a");
    await trainOnce(path, config({ epochs: 1 }));
    const latest = join(path, "checkpoints", "latest");
    const file = readdirSync(latest).find((name) => name.startsWith("model-"));
    assert.ok(file);
    const bytes = readFileSync(join(latest, file));
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(join(latest, file), bytes);
    assert.throws(() => openCheckpoint(latest), /is not what was written/);
  });
});
