import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { d4Square, d4Symmetries } from "#lib/core/d4";
import { UserError } from "#lib/core/errors";
import { augment, augmentationPresets, parseAugmentation } from "#lib/data/augment";
import { blur, changeColor } from "#lib/data/augment-color";
import { augmentationExamples } from "#lib/data/augment-examples";
import { betaQuantile, mixBatch } from "#lib/data/augment-mix";
import { d4Symmetry, warp } from "#lib/data/augment-warp";
import { compile } from "#lib/engine/compile";
import { startEngine } from "#lib/engine/start";

type Pixels = number[][][];
const expected: {
  image: Pixels;
  "brightness1.2": Pixels;
  "saturation0.5": Pixels;
  "contrast1.5": Pixels;
  "blur0.8": Pixels;
  turns: Pixels[];
  levels: number[];
  beta: [number, number[]][];
} = JSON.parse(readFileSync("test/fixtures/data/augment.json", "utf8"));

const seed = (n: number) => tf.tensor1d([n, 7], "int32");

function close(actual: tf.Tensor, wanted: tf.Tensor | Pixels, tolerance = 2e-6): void {
  const a = actual.dataSync();
  const b = Array.isArray(wanted) ? wanted.flat(3) : Array.from(wanted.dataSync());
  assert.equal(a.length, b.length);
  const worst = b.reduce((most, value, i) => Math.max(most, Math.abs(value - a[i])), 0);
  assert.ok(worst <= tolerance, `off by ${worst}`);
}

describe("data/augment", () => {
  before(() => startEngine());
  let tensors = 0;
  beforeEach(() => {
    tensors = tf.memory().numTensors;
    tf.engine().startScope();
  });
  afterEach(() => {
    tf.engine().endScope();
    assert.equal(tf.memory().numTensors, tensors, "tensors left over");
  });
  const image = () => tf.tensor4d([expected.image]);
  const stack = (count: number) => tf.tile(image(), [count, 1, 1, 1]);
  const random = (shape: [number, number, number, number]): tf.Tensor4D =>
    tf.randomUniform(shape, 0, 1, "float32", 3);

  it("turns and mirrors exactly, as NumPy does", () => {
    const turned = warp(stack(4), { turns: tf.tensor1d([0, 1, 2, 3]) });
    close(turned, tf.tensor4d(expected.turns));
    const mirrored = warp(image(), { mirror: tf.tensor1d([-1]) });
    close(mirrored, tf.reverse(image(), 2));
    for (let which = 0; which < 8; which++) {
      const start = which < 4 ? image() : tf.reverse(image(), 2);
      close(
        d4Symmetry(image(), d4Symmetries[which]),
        warp(start, { turns: tf.tensor1d([which % 4]) }),
      );
    }
  });

  it("has the same symmetries for arrays", () => {
    const square = Float32Array.from({ length: 5 * 5 * 2 }, (_, i) => i);
    for (const which of d4Symmetries) {
      const wanted = d4Symmetry(tf.tensor4d(square, [1, 5, 5, 2]), which).dataSync();
      assert.deepEqual(d4Square(square, 5, 2, which), wanted);
    }
  });

  it("acts on every key", () => {
    const values: Record<keyof typeof augmentationPresets.none, number | boolean> = {
      flip: true,
      quarterTurns: true,
      rotation: 30,
      zoom: 1.3,
      shift: 0.2,
      brightness: 0.3,
      contrast: 0.3,
      saturation: 0.3,
      hue: 0.2,
      blur: 1,
      noise: 0.1,
      randomErasing: 0.9,
      mixup: 0.5,
      cutmix: 0.5,
    };
    assert.deepEqual(Object.keys(values), Object.keys(augmentationPresets.none));
    const x = random([6, 12, 12, 3]);
    const targets = tf.oneHot(tf.range(0, 6, 1, "int32"), 6).toFloat() as tf.Tensor2D;
    const all = (given: object) => {
      const a = parseAugmentation(given);
      return mixBatch(augment(x, seed(5), a), targets, seed(6), a)[0].dataSync();
    };
    const mostOf = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a, (v, i) => Math.abs(v - b[i])).reduce((most, v) => Math.max(most, v), 0);
    const everything = all(values);
    for (const [key, value] of Object.entries(values)) {
      assert.ok(mostOf(all({ [key]: value }), x.dataSync()) > 0.02, `${key} changes nothing`);
      // Beside all others it still acts.
      const { [key]: _, ...others } = values as Record<string, unknown>;
      assert.ok(mostOf(all(others), everything) > 0.005, `${key} is lost among the others`);
    }
  });

  it("rotates, zooms and shifts about the center", () => {
    const quarter = warp(image(), { angle: tf.tensor1d([Math.PI / 2]) });
    close(quarter, tf.tensor4d([expected.turns[1]]), 1e-5);
    const shifted = warp(image(), { shiftX: tf.tensor1d([2]), shiftY: tf.tensor1d([-1]) });
    close(
      tf.slice(shifted, [0, 0, 2, 0], [1, 7, 6, 3]),
      tf.slice(image(), [0, 1, 0, 0], [1, 7, 6, 3]),
    );
    // Doubled, the pixel at the corner of the middle quarter lies a quarter of a pixel inside it.
    const spot = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    close(warp(spot, { zoom: tf.tensor1d([2]) }), [
      [[1.75], [2.25]],
      [[2.75], [3.25]],
    ] as Pixels);
  });

  it("changes colors by torchvision's definitions", () => {
    const by = (x: number) => tf.tensor1d([x]);
    close(changeColor(image(), { brightness: by(1.2) }), expected["brightness1.2"]);
    close(changeColor(image(), { saturation: by(0.5) }), expected["saturation0.5"]);
    close(changeColor(image(), { contrast: by(1.5) }), expected["contrast1.5"]);
    const pure = tf.tensor4d([1, 0, 0], [1, 1, 1, 3]);
    close(changeColor(pure, { hue: by(1 / 3) }), tf.tensor4d([0, 1, 0], [1, 1, 1, 3]));
    const gray = tf.fill([1, 2, 2, 3], 0.4) as tf.Tensor4D;
    close(changeColor(gray, { hue: by(0.2), saturation: by(0.3) }), gray);
  });

  it("blurs as SciPy does, each image by its own width", () => {
    const blurred = blur(stack(2), tf.tensor1d([0.8, 0]), 0.8);
    close(tf.slice(blurred, 0, 1), expected["blur0.8"], 1e-5);
    close(tf.slice(blurred, 1, 1), image());
  });

  it("draws from Beta(α, α)", () => {
    for (const [alpha, quantiles] of expected.beta) {
      const got = betaQuantile(tf.tensor1d(expected.levels), alpha).dataSync();
      for (const [i, value] of quantiles.entries()) {
        assert.ok(Math.abs(got[i] - value) < 2e-3, `α ${alpha}: ${got[i]} for ${value}`);
      }
    }
  });

  it("mixes images and targets by the same share", () => {
    const batch = 64;
    const light = tf.reshape(tf.range(0, batch), [batch, 1, 1, 1]);
    const images = tf.tile(light, [1, 10, 10, 3]) as tf.Tensor4D;
    const targets = tf.oneHot(tf.range(0, batch, 1, "int32"), batch).toFloat() as tf.Tensor2D;
    for (const [mixup, cutmix] of [
      [0.4, 0],
      [0, 1],
      [0.4, 1],
    ]) {
      const [mixed, soft] = mixBatch(images, targets, seed(1), { mixup, cutmix });
      close(tf.sum(soft, 1), tf.ones([batch]), 1e-5);
      // The mean brightness says how much of each of the two images is in it.
      const wanted = tf.sum(tf.mul(soft, tf.range(0, batch)), 1);
      close(tf.mean(mixed, [1, 2, 3]), wanted, 1e-3);
      const shares = tf.max(soft, 1).dataSync();
      assert.ok(shares.some((s) => s < 0.9) && new Set(shares).size > 10);
      const values = mixed.dataSync();
      const whole = values.every((v) => Math.abs(v - Math.round(v)) < 1e-4);
      assert.equal(whole, mixup === 0, "only MixUp makes values between");
    }
    assert.equal(mixBatch(images, targets, seed(1), { mixup: 0, cutmix: 0 })[0], images);
  });

  it("leaves images alone with 'none'", () => {
    const x = image();
    assert.equal(augment(x, seed(1), augmentationPresets.none), x);
  });

  it("moves each image of a batch in its own way, over all eight symmetries", () => {
    const x = stack(64);
    const y = augment(x, seed(2), parseAugmentation({ flip: true, quarterTurns: true }));
    const seen = new Set<number>();
    const symmetries = Array.from({ length: 8 }, (_, k) =>
      d4Symmetry(image(), d4Symmetries[k]).dataSync(),
    );
    for (const one of tf.split(y, 64)) {
      const values = one.dataSync();
      const which = symmetries.findIndex((s) => s.every((v, i) => Math.abs(v - values[i]) < 1e-5));
      assert.ok(which >= 0, "no symmetry of the image");
      seen.add(which);
    }
    assert.equal(seen.size, 8);
  });

  for (const name of ["galaxy", "strong"] as const) {
    it(`'${name}' depends on the seed alone and stays in 0–1`, () => {
      const x = random([4, 16, 16, 3]);
      const a = augment(x, seed(1), augmentationPresets[name]);
      close(augment(x, seed(1), augmentationPresets[name]), a, 0);
      assert.notDeepEqual(augment(x, seed(2), augmentationPresets[name]).dataSync(), a.dataSync());
      assert.ok(a.dataSync().every((v) => v >= 0 && v <= 1));
      const off = tf.mean(tf.abs(tf.sub(a, x))).dataSync()[0];
      assert.ok(off > 0.05, `hardly changed: ${off}`);
    });

    it(`'${name}' can be compiled: another seed, another result`, () => {
      const preset = augmentationPresets[name];
      const fn = (x: tf.Tensor, t: tf.Tensor, s: tf.Tensor) => {
        const moved = augment(x as tf.Tensor4D, s, preset);
        return mixBatch(moved, tf.mul(t, 1) as tf.Tensor2D, s, preset);
      };
      const compiled = compile({ fn }, { variables: [] });
      const x = random([4, 16, 16, 3]);
      const t = tf.oneHot(tf.tensor1d([0, 1, 2, 1], "int32"), 3).toFloat();
      for (const n of [1, 2]) {
        const [images, targets] = compiled.call.fn(x, t, seed(n)) as tf.Tensor[];
        const [wantedImages, wantedTargets] = fn(x, t, seed(n));
        close(images, wantedImages, 1e-4);
        close(targets, wantedTargets, 1e-5);
      }
      compiled.dispose();
    });
  }

  it("erases as often as it is told", () => {
    const x = random([200, 12, 12, 3]);
    const y = augment(x, seed(3), parseAugmentation({ randomErasing: 0.3 }));
    const changed = tf.any(tf.greater(tf.abs(tf.sub(x, y)), 1e-6), [1, 2, 3]).dataSync();
    const share = Array.from(changed).filter(Boolean).length / 200;
    assert.ok(share > 0.2 && share < 0.4, String(share));
  });

  it("adds noise of up to the deviation asked for", () => {
    const x = tf.fill([400, 8, 8, 3], 0.5) as tf.Tensor4D;
    const off = tf.sub(augment(x, seed(4), parseAugmentation({ noise: 0.1 })), 0.5);
    const deviations = tf.sqrt(tf.mean(tf.square(off), [1, 2, 3]));
    const [mean, most] = [tf.mean(deviations).dataSync()[0], tf.max(deviations).dataSync()[0]];
    assert.ok(Math.abs(mean - 0.05) < 0.006, String(mean));
    assert.ok(most < 0.125, String(most));
  });

  it("shows each augmentation and preset on given images", () => {
    const pixels = Uint8Array.from({ length: 3 * 12 * 10 * 3 }, (_, i) => (i * 53) & 255);
    const examples = augmentationExamples(pixels, [12, 10]);
    assert.deepEqual(examples[0].images[1], pixels.slice(360, 720));
    assert.equal(examples.length, 16);
    for (const { name, images } of examples.slice(1)) {
      assert.deepEqual(
        images.map((one) => one.length),
        [360, 360, 360],
      );
      const same = images.every((one, i) => Buffer.compare(one, examples[0].images[i]) === 0);
      assert.ok(!same, `${name} changes nothing`);
    }
  });

  it("explains a wrong setting", () => {
    assert.deepEqual(parseAugmentation("galaxy"), augmentationPresets.galaxy);
    assert.equal(parseAugmentation({ preset: "galaxy", flip: false }).rotation, 45);
    for (const [given, word] of [
      ["wild", "'wild'"],
      [{ rotation: 400 }, "augmentation.rotation"],
      [{ flips: true }, "augmentation.flips: there is no such key."],
      [{ erase: 0.1 }, "write randomErasing"],
      [{ colour: 0.1 }, "write brightness, contrast"],
      [{ random_erasing: 0.1 }, "write randomErasing"],
      [{ quarterturns: true }, "write quarterTurns"],
      [7, "augmentation is 7"],
      [null, "augmentation is null"],
      [{ preset: "wild" }, "'wild'"],
    ] as const) {
      assert.throws(
        () => parseAugmentation(given),
        (e: unknown) => e instanceof UserError && e.problem.includes(word),
      );
    }
  });
});
