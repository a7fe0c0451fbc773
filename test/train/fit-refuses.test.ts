import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createModel } from "#lib/models/registry";
import { openCheckpoint } from "#lib/train/checkpoint";
import type { TrainSettings } from "#lib/train/config";
import { fit as train } from "#lib/train/fit";
import { RunFolder } from "#lib/train/run-folder";
import { config, dataset, rows, task, trainingFolder, trainOnce } from "./tiny-training";

describe("a training that cannot be", function () {
  this.timeout(240_000);
  const at = trainingFolder();

  it("says where a loss that is no number began, and keeps the checkpoint before", async () => {
    const path = at("nan");
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
        trainOnce(at("nan-found"), c),
        /it began in the op \w+ after [\w.]+\.(weight|bias)/,
      );
    } finally {
      delete process.env.TUNING_FORK_FIND_NAN;
    }
    const checkpoint = openCheckpoint(join(path, "checkpoints", "latest"));
    if (checkpoint !== undefined) assert.ok(checkpoint.training.history.length < 20);
  });

  it("keeps no weights that the very last step has spoilt", async () => {
    const path = at("last");
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

  it("refuses what has no effect without a validation split, and a model of other outputs", async () => {
    const run = (settings: TrainSettings) =>
      trainOnce(at("idle"), config(settings), {}, { train: rows.train });
    await assert.rejects(
      run({ earlyStopping: { patience: 2 }, monitor: "valLoss", validationInterval: 2 }),
      /no validation split, without which train\.monitor and train\.earlyStopping and train\.val/,
    );
    const model = createModel("tiny", { numClasses: 1 });
    const inputs = { model, task, dataset, ...rows };
    const folderOf = new RunFolder(at("other"));
    await assert.rejects(
      train(inputs, config(), folderOf),
      /has 1 outputs, and the task 2: gray, red/,
    );
    model.dispose();
  });

  it("refuses a batch larger than the data", async () => {
    await assert.rejects(
      trainOnce(at("big"), config({ batchSize: 100 })),
      /an epoch of the 48 training rows has 48 images, and a batch 100/,
    );
  });

  it("refuses a validation split without rows, and leaves nothing in the folder", async () => {
    const path = at("no-rows");
    await assert.rejects(
      trainOnce(path, config(), {}, { train: rows.train, val: new Uint32Array() }),
      /the validation split has no rows/,
    );
    assert.deepEqual(readdirSync(path), []);
  });
});
