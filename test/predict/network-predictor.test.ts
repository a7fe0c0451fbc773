import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { d4Square, d4Symmetries } from "#lib/core/d4";
import { asNumbers } from "#lib/core/table";
import type { Dataset } from "#lib/data/dataset";
import { startEngine } from "#lib/engine/start";
import type { Predictions } from "#lib/evaluate/predictions";
import type { Model } from "#lib/models/module";
import { createModel } from "#lib/models/registry";
import { accuracyUnderShift } from "#lib/predict/controlled-shift";
import { type NetworkOptions, networkPredictor, predict } from "#lib/predict/network-predictor";
import { createTask, taskFromDescription } from "#lib/tasks/registry";
import { notOnGpu } from "../engine/support";
import { rowsOf, tinyDataset } from "../train/support";

const dataset = tinyDataset(20, 32);
const task = createTask(dataset);

/** The same galaxies, each as `change` makes it. */
function changed(change: (image: Uint8Array) => Uint8Array): Dataset {
  const bytes = 32 * 32 * 3;
  return {
    ...dataset,
    async read(rows) {
      const pixels = await dataset.read(rows);
      for (let i = 0; i < rows.length; i++) {
        pixels.set(change(pixels.slice(i * bytes, (i + 1) * bytes)), i * bytes);
      }
      return pixels;
    },
  };
}

describe("a network's predictor", () => {
  let model: Model;
  let tensors = 0;
  before(async () => {
    await startEngine();
    model = createModel("test_custom_cnn", { numClasses: 2, inputSize: [32, 32], seed: 3 });
  });
  after(() => model.dispose());
  beforeEach(() => {
    tensors = tf.memory().numTensors;
  });
  afterEach(() => assert.equal(tf.memory().numTensors, tensors, "tensors leaked"));

  it("is as accurate as before where nothing is changed, and is asked about each galaxy as it is said", async () => {
    const predictor = networkPredictor(model, task);
    const rows = [3, 4, 8, 11];
    const { labels, predicted } = (await predictor.predict(dataset, rows)) as Predictions;
    const right = labels.filter((label, i) => predicted[i] === label).length;
    const asked: [number, number][] = [];
    predictor.dispose();
    const points = await accuracyUnderShift(model, task, dataset, rows, {
      from: { pixelScale: 1, seeing: 1, stretch: "linear" },
      steps: [0, -6],
      to(depth, row) {
        asked.push([depth, row]);
        return { depth };
      },
    });
    assert.deepEqual(
      points.map(({ x }) => x),
      [0, -6],
    );
    assert.equal(points[0].value, right / 4);
    assert.ok(points[0].low < points[0].value && points[0].value <= points[0].high);
    assert.deepEqual(asked, [...rows.map((row) => [0, row]), ...rows.map((row) => [-6, row])]);
  });

  it("answers any rows in any batches alike, none and one of them too", async () => {
    const predictor = networkPredictor(model, task);
    const done: number[] = [];
    const onProgress = (rows: number) => done.push(rows);
    const whole = (await predictor.predict(dataset, undefined, {
      batchSize: 7,
      onProgress,
    })) as Predictions;
    assert.deepEqual(done, [7, 14, 20]);
    assert.deepEqual(
      [...whole.labels],
      [...Array(20).keys()].map((i) => i % 2),
    );
    const one = (await predictor.predict(dataset, [13])) as Predictions;
    assert.deepEqual(one.ids, ["g13"]);
    for (const c of [0, 1]) {
      const [a, b] = [one.probabilities?.[c], whole.probabilities?.[26 + c]];
      assert.ok(Math.abs((a ?? Number.NaN) - (b ?? Number.NaN)) < 1e-6, `${a} ${b}`);
    }
    assert.deepEqual((await predictor.predict(dataset, [])).ids, []);
    predictor.dispose();
  });

  it("test-time augmentation is the mean of the answers about the eight orientations", async () => {
    const averaged = (await predict(model, task, dataset, rowsOf(0, 4), {
      testTimeAugmentation: true,
    })) as Predictions;
    const mean = new Float64Array(8);
    for (const symmetry of d4Symmetries) {
      const turned = changed((image) => d4Square(image, 32, 3, symmetry));
      const { probabilities } = (await predict(model, task, turned, rowsOf(0, 4))) as Predictions;
      for (let i = 0; i < 8; i++) mean[i] += (probabilities?.[i] ?? Number.NaN) / 8;
    }
    for (let i = 0; i < 8; i++) {
      assert.ok(Math.abs((averaged.probabilities?.[i] ?? Number.NaN) - mean[i]) < 1e-6);
    }
  });

  it("Monte Carlo dropout is the mean of passes that drop other values, and those follow from the seed", async () => {
    const options = { numClasses: 2, inputSize: [32, 32] as const, seed: 3, dropout: 0.5 };
    const dropped = createModel("test_custom_cnn", options);
    const ask = async (dropoutSamples: number, dropoutSeed?: number) => {
      const given = { dropoutSamples, dropoutSeed };
      const table = (await predict(dropped, task, dataset, rowsOf(0, 4), given)) as Predictions;
      return Array.from(table.probabilities ?? []);
    };
    const none = await ask(0);
    const plain = (await predict(model, task, dataset, rowsOf(0, 4))) as Predictions;
    assert.deepEqual(none, Array.from(plain.probabilities ?? []));
    const [one, other] = [await ask(1), await ask(1, 1)];
    assert.deepEqual(one, await ask(1));
    assert.notDeepEqual(one, none);
    assert.notDeepEqual(one, other);
    const far = (a: number[]) => a.reduce((sum, p, i) => sum + Math.abs(p - none[i]), 0);
    assert.ok(far(await ask(24)) < 0.5 * (far(one) + far(other)), "the mean is nearer to none");
    // The network is traced as often for many samples as for few; each turned view drops other values.
    let passes = 0;
    const counted: Model = Object.create(dropped, {
      forward: {
        value: (...given: Parameters<Model["forward"]>) => {
          passes++;
          return dropped.forward(...given);
        },
      },
    });
    const tracedFor = async (options: NetworkOptions) => {
      passes = 0;
      await predict(counted, task, dataset, rowsOf(0, 4), options);
      return passes;
    };
    const once = await tracedFor({ dropoutSamples: 1 });
    assert.equal(await tracedFor({ dropoutSamples: 9 }), once);
    const turned = { testTimeAugmentation: true };
    assert.equal(await tracedFor({ dropoutSamples: 3, ...turned }), 8 * once);
    // Of a picture that is the same whichever way it is turned, only what is dropped tells the views apart.
    const even = changed((image) => image.fill(90));
    const evenly = async (options: NetworkOptions) => {
      const table = (await predict(dropped, task, even, [0], options)) as Predictions;
      return Number(table.probabilities?.[0]);
    };
    const away = async (options: NetworkOptions) =>
      Math.abs((await evenly(options)) - (await evenly({ ...options, ...turned })));
    assert.ok((await away({})) < 1e-5);
    assert.ok((await away({ dropoutSamples: 1 })) > 1e-3);
    dropped.dispose();
    await assert.rejects(
      predict(model, task, dataset, [0], { dropoutSamples: 2 }),
      /without dropout, so that predict\.dropoutSamples can have no effect/,
    );
  });

  it("answers about many galaxies as about few, in parts side by side where the processor gains by them", async function () {
    notOnGpu.call(this);
    const options = { numClasses: 2, inputSize: [32, 32] as const, seed: 3, dropout: 0.5 };
    const dropping = createModel("test_custom_cnn", options);
    const many = tinyDataset(260, 32);
    const outside = process.env.TUNING_FORK_PROCESSOR;
    const ask = async (processor: string) => {
      process.env.TUNING_FORK_PROCESSOR = processor;
      const predictor = networkPredictor(dropping, task, { dropoutSamples: 1 });
      const { probabilities } = (await predictor.predict(many)) as Predictions;
      const { values } = await predictor.features(many);
      predictor.dispose();
      return [probabilities ?? [], values].map((list) => Array.from(list));
    };
    const [whole, parted] = [await ask("avx2"), await ask("amx_bf16")];
    if (outside === undefined) delete process.env.TUNING_FORK_PROCESSOR;
    else process.env.TUNING_FORK_PROCESSOR = outside;
    const error = Math.max(...whole[1].map((value, k) => Math.abs(value - parted[1][k])));
    assert.ok(error < 1e-5, `off by ${error}`);
    if (availableParallelism() > 1) assert.notDeepEqual(parted[0], whole[0]);
    dropping.dispose();
  });

  it("gives the features that the last layer answers from", async () => {
    const predictor = networkPredictor(model, task);
    const { ids, values, width } = await predictor.features(dataset, [2, 5]);
    assert.deepEqual(ids, ["g2", "g5"]);
    assert.equal(values.length, 2 * width);
    const again = await predictor.features(dataset, [5]);
    for (let i = 0; i < width; i++) assert.ok(Math.abs(values[width + i] - again.values[i]) < 1e-5);
    predictor.dispose();
  });

  it("needs no labels, and maps those of the data by name", async () => {
    const { label: _, ...table } = dataset.table;
    const unlabeled = { ...dataset, classNames: [], table };
    const none = (await predict(model, task, unlabeled, [0, 1])) as Predictions;
    assert.deepEqual([...none.labels], [-1, -1]);
    // Another order, one class under the name that an export writes, and one that is not the model's.
    const label = Int32Array.from(asNumbers(dataset.table.label), (l) => (l === 1 ? 0 : 2));
    label[0] = 1;
    const renamed = {
      ...dataset,
      classNames: ["Red", "green", "gray"],
      table: { ...table, label },
    };
    const mapped = (await predict(model, task, renamed, [0, 1, 2])) as Predictions;
    assert.deepEqual([...mapped.labels], [-1, 1, 0]);
    assert.deepEqual(mapped.classNames, ["gray", "red"]);
    assert.match(
      task.notices(renamed).join(),
      /green.*not among the model's classes \(gray, red\)/,
    );
    assert.deepEqual(task.notices(dataset), []);
  });

  it("stops between two batches, with the reason it was given", async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error("enough"));
    await assert.rejects(
      predict(model, task, dataset, undefined, {
        batchSize: 4,
        signal: controller.signal,
        onProgress,
      }),
      /enough/,
    );
  });

  it("names the galaxy about which it answers no number", async () => {
    const broken = createModel("test_custom_cnn", { numClasses: 2, inputSize: [32, 32] });
    const [bias] = [...broken.parameters.values()].slice(-1);
    tf.tidy(() => bias.variable.assign(tf.fill(bias.variable.shape, Number.NaN)));
    await assert.rejects(
      predict(broken, task, dataset, [3]),
      /answers NaN about g3 \(row 4 of tiny\)/,
    );
    broken.dispose();
  });

  it("reads images at its own size where they are resized anyway", async () => {
    const seen: (number | undefined)[] = [];
    const resized: Dataset = {
      ...dataset,
      view: { size: 16, crop: 32 },
      imageSize: [16, 16],
      async read(rows, view) {
        seen.push(view?.size, view?.crop);
        return new Uint8Array(rows.length * 32 * 32 * 3);
      },
    };
    await predict(model, task, resized, [0]);
    assert.deepEqual(seen, [32, 32]);
  });

  it("refuses a network of other outputs and images of another size", async () => {
    const three = taskFromDescription({ ...task.description, outputs: ["a", "b", "c"] });
    assert.throws(
      () => networkPredictor(model, three),
      /has 2 outputs, and 3 are needed for a, b, c/,
    );
    const small = { ...dataset, imageSize: [16, 16] as const };
    await assert.rejects(predict(model, task, small), /read as 16 × 16 pixels.*takes 32 × 32/);
  });
});
