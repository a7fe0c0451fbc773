import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { createModel } from "#lib/models/registry";
import { openCheckpoint } from "#lib/train/checkpoint";
import type { TrainSettings } from "#lib/train/config";
import { type FitOptions, fit as train } from "#lib/train/fit";
import { RunFolder } from "#lib/train/run-folder";
import { updateOf } from "#lib/train/stages";
import { notOnGpu } from "../engine/support";
import { config, dataset, rows, task, trainingFolder, trainOnce } from "./tiny-training";

describe("fit", function () {
  this.timeout(240_000);
  const at = trainingFolder();

  it("learns two colors, and gives the best epoch's weights back", async () => {
    const { result, predictions } = await trainOnce(
      at("a"),
      config({ epochs: 8, augmentation: "galaxy", ema: 0 }),
    );
    assert.equal(result.history.epoch.length, 8);
    assert.ok(result.history.valAccuracy[result.bestEpoch - 1] >= 0.9);
    const right = predictions.labels.filter((label, i) => predictions.predicted[i] === label);
    assert.ok(right.length / predictions.labels.length >= 0.9);
  });

  it("gives the same losses to the last digit for the same seed, others for another", async () => {
    const settings = { epochs: 1, augmentation: "strong" } as const;
    const one = await trainOnce(at("a"), config(settings));
    const two = await trainOnce(at("b"), config(settings));
    const other = await trainOnce(at("c"), config({ ...settings, seed: 1 }));
    assert.deepEqual(one.losses, two.losses);
    assert.notDeepEqual(one.losses, other.losses);
  });

  it("learns from parts side by side where the processor gains by it, and goes on with as many elsewhere", async function () {
    notOnGpu.call(this);
    const outside = process.env.TUNING_FORK_PROCESSOR;
    const c = config({ epochs: 1, ema: 0 });
    const learned = async (processor: string, folder: string, options: FitOptions = {}) => {
      process.env.TUNING_FORK_PROCESSOR = processor;
      return trainOnce(folder, c, options, rows, "test_vit");
    };
    /** How often its step softens scores, where no kernel of ours does. */
    const softened = async (name: string) => {
      process.env.TUNING_FORK_DUMP_GRAPH = at(`${name}-graphs`);
      try {
        const run = await learned("avx2", at(name));
        const [step] = readdirSync(at(`${name}-graphs`)).filter((f) => f.startsWith("train"));
        const graph = readFileSync(join(at(`${name}-graphs`), step, "graph.txt"), "utf8");
        return { ...run, count: graph.split("= Softmax(").length - 1 };
      } finally {
        delete process.env.TUNING_FORK_DUMP_GRAPH;
      }
    };
    try {
      const plain = await softened("plain");
      const parted = await learned("amx_bf16", at("parted"));
      for (const [i, loss] of plain.losses.entries())
        assert.ok(
          Math.abs(parted.losses[i] - loss) < 1e-5 * loss,
          `${parted.losses[i]} for ${loss}`,
        );
      const stop = new AbortController();
      const stopped = at("stopped");
      let steps = 0;
      const onStep = () => ++steps === 3 && stop.abort(new Error("stopped by the test"));
      const options = { signal: stop.signal, onStep };
      await assert.rejects(learned("amx_bf16", stopped, options), /stopped by the test/);
      const parts = Math.min(availableParallelism(), 4);
      const { latestPath } = new RunFolder(stopped);
      assert.equal(openCheckpoint(latestPath)?.training.parts, parts);
      const resumed = await softened("stopped");
      assert.equal(resumed.count, parts * plain.count);
      // Other processors have other kernels, which round otherwise.
      for (const [i, weight] of resumed.weights.entries())
        for (const [k, value] of weight.entries())
          assert.ok(Math.abs(value - parted.weights[i][k]) < 1e-5, `${value} of weight ${i}`);
    } finally {
      if (outside === undefined) delete process.env.TUNING_FORK_PROCESSOR;
      else process.env.TUNING_FORK_PROCESSOR = outside;
    }
  });

  for (const learned of [rows, { train: rows.train }]) {
    const where = "val" in learned ? "with" : "without";
    it(`ends with the weights' moving average, ${where} a validation split`, async () => {
      const once = (ema: number, options: FitOptions = {}) =>
        trainOnce(at(`ema-${ema}`), config({ ema }), options, learned);
      const raw = await once(0);
      const averaged = await once(0.99);
      // The average changes what is kept, not how the training goes.
      assert.deepEqual(averaged.losses, raw.losses);
      assert.notDeepEqual(averaged.weights, raw.weights);

      rmSync(at("ema-0.99"), { recursive: true });
      const stop = new AbortController();
      let steps = 0;
      const onStep = () => ++steps === 15 && stop.abort(new Error("stopped by the test"));
      await assert.rejects(once(0.99, { signal: stop.signal, onStep }), /stopped by the test/);
      assert.deepEqual((await once(0.99)).weights, averaged.weights);
      assert.deepEqual((await once(0.99)).weights, averaged.weights, "when nothing is left to do");
    });
  }

  it("keeps the last epoch where that is asked, though an earlier one was better", async () => {
    const c = config({ epochs: 3, ema: 0, optimizer: { learningRate: 0.05 } });
    const chosen = await trainOnce(at("chosen"), { ...c, monitor: "valAccuracy" });
    const last = await trainOnce(at("last"), { ...c, monitor: "last" });
    const alone = await trainOnce(at("alone"), c, {}, { train: rows.train });
    assert.ok(chosen.result.bestEpoch < 3, `${chosen.result.history.valAccuracy}`);
    assert.equal(last.result.bestEpoch, 3);
    assert.deepEqual(last.weights, alone.weights);
    assert.notDeepEqual(last.weights, chosen.weights);
  });

  it("makes epochs of as many images as asked, of fewer rows or of more", async () => {
    for (const [imagesPerEpoch, batches] of [
      [20, 2],
      [100, 12],
    ]) {
      const totals: number[] = [];
      const onStep = ({ total }: { readonly total: number }) => totals.push(total);
      const c = config({ epochs: 2, imagesPerEpoch });
      const { result } = await trainOnce(at(`${imagesPerEpoch}`), c, { onStep });
      assert.equal(result.history.epoch.length, 2);
      assert.deepEqual(totals, new Array(2 * batches).fill(2 * batches * 8));
    }
  });

  it("trains in stages, the backbone frozen at first", async () => {
    const model = createModel("tiny", { numClasses: 2 });
    const name = "stem.conv.weight";
    const before = model.parameters.get(name)?.variable.dataSync().slice();
    // Without a validation split the last epoch is the best one.
    const run = new RunFolder(at("stages"));
    const stages: TrainSettings["stages"] = [{ epochs: 1, freeze: "backbone" }];
    const inputs = { model, task, dataset, train: rows.train };
    await train(inputs, config({ epochs: undefined, stages, ema: 0 }), run);
    assert.deepEqual(model.parameters.get(name)?.variable.dataSync(), before);
    const both = config({
      epochs: undefined,
      ema: 0,
      stages: [...stages, { epochs: 1, learningRate: 1e-3 }],
    });
    await train(inputs, both, new RunFolder(at("both")));
    assert.notDeepEqual(model.parameters.get(name)?.variable.dataSync(), before);
    model.dispose();
  });

  it("ends early when nothing gets better", async () => {
    const { result } = await trainOnce(
      at("a"),
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
    await trainOnce(at("warm"), config({ epochs: 1 }));
    const before = tf.memory().numTensors;
    await trainOnce(at("a"), config({ epochs: 1 }));
    assert.equal(tf.memory().numTensors, before);
  });

  it("moves the weights with the rest of an epoch's batches, by their mean", async () => {
    const plain = { name: "sgd", learningRate: 0.01, momentum: 0 } as const;
    const once = async (name: string, gradientAccumulation: number, batchSize: number) => {
      const optimizer = { ...plain, gradientAccumulation };
      const schedule = { name: "constant" } as const;
      const c = config({ epochs: 1, batchSize, ema: 0, augmentation: "none", optimizer, schedule });
      return (await trainOnce(at(name), c, {}, { train: rows.train })).weights;
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
});
