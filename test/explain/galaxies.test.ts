import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { d4Square, d4Symmetries } from "#lib/core/d4";
import { UserError } from "#lib/core/errors";
import { makeGalaxy } from "#lib/data/simulator";
import { startEngine } from "#lib/engine/start";
import { createPredictions } from "#lib/evaluate/predictions";
import { compareExplanations } from "#lib/explain/compare";
import { headGrid } from "#lib/explain/head-grid";
import { ellipseMask, localization } from "#lib/explain/localization";
import { explain, explanationMethods, methodsFor } from "#lib/explain/methods";
import { type PickBy, pickGalaxies } from "#lib/explain/pick";
import { rotationConsistency } from "#lib/explain/rotation";
import { upsample } from "#lib/explain/upsample";
import { encodeNpy } from "#lib/io/npy";
import { createModel, listModels } from "#lib/models/registry";

const tiny = listModels().filter((name) => name.startsWith("test_"));

/** Two synthetic galaxies. */
function pictures(side: number) {
  const galaxies = [0, 1].map((i) => makeGalaxy(5, i, side).image);
  return { pixels: new Uint8Array(Buffer.concat(galaxies)), size: [side, side] as const };
}

describe("explaining galaxies", () => {
  before(() => startEngine());
  let tensors: number;
  beforeEach(() => {
    tensors = tf.memory().numTensors;
  });
  afterEach(() => assert.equal(tf.memory().numTensors, tensors, "tensors leaked"));

  for (const name of tiny) {
    it(`${name} can be asked in every way that suits it, whatever the pictures' size`, async () => {
      const model = createModel(name, { numClasses: 3, seed: 1 });
      const shown = pictures(40);
      const methods = methodsFor(model);
      const questions = Object.fromEntries(methods.map((method) => [method, { model, method }]));
      const rows = await compareExplanations(shown, ["a", "b"], questions);
      assert.deepEqual(
        rows.map((row) => row.name),
        ["a", "b"],
      );
      for (const { maps } of rows) {
        assert.deepEqual(Object.keys(maps), methods);
        for (const [method, { values, size }] of Object.entries(maps)) {
          assert.equal(values.length, size[0] * size[1], method);
          assert.ok(
            values.every((value) => value >= 0 && Number.isFinite(value)),
            method,
          );
        }
      }
      model.dispose();
    });
  }

  for (const name of tiny) {
    it(`${name} answers every method that its description suits, and refuses the others`, async () => {
      const model = createModel(name, { numClasses: 3, seed: 1 });
      const [attention, maps] = [model.attention.length > 0, model.featureMaps.length > 0];
      const whole = attention && methodsFor(model).includes("rollout");
      const suits: Readonly<Record<string, boolean>> = {
        attention,
        rollout: whole,
        relevance: whole,
        "grad-cam": maps,
        "grad-cam++": maps,
        occlusion: true,
        "integrated-gradients": true,
        "guided-backprop": /resnet|regnet|vgg|cnn/.test(name),
      };
      for (const method of explanationMethods) {
        const asked = explain(model, pictures(32), method);
        if (!suits[method]) {
          await assert.rejects(asked, UserError, method);
          continue;
        }
        const { values, size } = await asked;
        assert.equal(values.length, 2 * size[0] * size[1], method);
        assert.ok(
          values.every((value) => value >= 0 && Number.isFinite(value)),
          method,
        );
      }
      model.dispose();
    });
  }

  it("asks an unknown method back, and refuses one that does not suit", async () => {
    const model = createModel("test_vit", { numClasses: 3 });
    await assert.rejects(explain(model, pictures(32), "magic"), /rollout/);
    await assert.rejects(explain(model, pictures(32), "guided-backprop"), UserError);
    const short = { pixels: new Uint8Array(10), size: [32, 32] as const };
    await assert.rejects(explain(model, short, "rollout"), /whole number/);
    assert.ok(explanationMethods.includes("occlusion"));
    model.dispose();
  });

  it("lays heads out by layer", async () => {
    for (const [name, layers, heads] of [
      ["test_vit", 2, 2],
      ["test_swinv2", 2, 2],
      ["test_cvt", 3, 2],
    ] as const) {
      const model = createModel(name, { numClasses: 3 });
      const grid = headGrid(model, pictures(32), 1);
      assert.deepEqual([grid.rowLabels.length, grid.columnLabels.length], [layers, heads], name);
      assert.equal(grid.maps.length, layers * heads * grid.mapSize[0] * grid.mapSize[1]);
      model.dispose();
    }
  });

  it("finds a method of pixels that turns with the picture consistent, and undoes turns", async () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 3 }), (side, turns) => {
        const values = Float32Array.from({ length: side * side * 2 }, (_, i) => i);
        const there = d4Square(values, side, 2, d4Symmetries[turns]);
        assert.deepEqual(d4Square(there, side, 2, d4Symmetries[(4 - turns) % 4]), values);
      }),
    );
    // Counter-clockwise: the right column comes to the top.
    assert.deepEqual(
      [...d4Square(Float32Array.of(1, 2, 3, 4), 2, 1, d4Symmetries[1])],
      [2, 4, 1, 3],
    );

    const model = createModel("test_custom_cnn", { numClasses: 3, seed: 4 });
    const picture = { pixels: makeGalaxy(5, 0, 32).image, size: [32, 32] as const };
    const { correlation, maps } = await rotationConsistency(model, picture, "integrated-gradients");
    assert.ok(correlation > 0.2 && correlation < 1, `${correlation}`);
    assert.equal(maps.values.length, 4 * 32 * 32);
    await assert.rejects(rotationConsistency(model, pictures(32), "grad-cam"), UserError);
    model.dispose();
  });

  it("upsamples a map between the centers of its cells", () => {
    const maps = { values: Float32Array.of(0, 1, 2, 3), size: [2, 2] as const };
    const { values, size } = upsample(maps, [4, 4]);
    assert.deepEqual(size, [4, 4]);
    assert.deepEqual([...values.slice(0, 4)], [0, 0.25, 0.75, 1]);
    assert.deepEqual([...values.slice(12)], [2, 2.25, 2.75, 3]);
  });

  it("measures a map on an ellipse", () => {
    const galaxy = { radius: 4, axisRatio: 0.5, positionAngle: 30, pixel: 0.5 };
    const mask = ellipseMask([64, 64], galaxy, 2);
    const area = mask.reduce((sum, inside) => sum + inside, 0);
    assert.ok(Math.abs(area - Math.PI * 16 * 8) < 12, `${area} pixels`);
    // The major axis points down and right in the image (y grows downwards).
    const at = (along: number, angle: number) => {
      const radians = (angle * Math.PI) / 180;
      const [x, y] = [32 + along * Math.cos(radians), 32 + along * Math.sin(radians)];
      return mask[Math.floor(y) * 64 + Math.floor(x)];
    };
    assert.deepEqual([at(14, 30), at(18, 30), at(14, 120), at(6, 120)], [1, 0, 0, 1]);
    const inside = localization(mask, mask);
    assert.deepEqual([inside.hit, inside.energy, inside.area], [true, 1, area / 4096]);
    const outside = mask.map((value) => 1 - value);
    assert.deepEqual(localization(outside, mask).energy, 0);
    assert.equal(localization(new Float32Array(4096), mask).hit, false);
    assert.throws(() => localization([1], mask), UserError);
  });

  it("picks by class, confidence, doubt and mistake", () => {
    const predictions = createPredictions({
      classNames: ["a", "b"],
      ids: ["0", "1", "2", "3", "4"],
      labels: Int32Array.of(0, 0, 1, 1, 0),
      probabilities: Float64Array.of(0.6, 0.4, 0.9, 0.1, 0.8, 0.2, 0.3, 0.7, 0.45, 0.55),
    });
    const rows = (by: PickBy, count?: number) =>
      pickGalaxies(predictions, by, count).map(({ row }) => row);
    assert.deepEqual(rows("class"), [1, 3]);
    // Never right about the first class: the surest all the same.
    const never = { ...predictions, labels: Int32Array.of(1, 1, 1, 0, 1) };
    assert.deepEqual(
      pickGalaxies(never, "class").map(({ row }) => row),
      [3, 4],
    );
    const unknown = { ...predictions, labels: Int32Array.of(-1, -1, 1, -1, 0) };
    assert.deepEqual(
      pickGalaxies(unknown, "mistake").map(({ row }) => row),
      [2, 4],
    );
    assert.deepEqual(rows("confidence", 2), [1, 2]);
    assert.deepEqual(rows("doubt", 2), [4, 0]);
    assert.deepEqual(rows("mistake"), [2, 4]);
    const [first] = pickGalaxies(predictions, "mistake");
    assert.deepEqual(first, {
      row: 2,
      id: "2",
      label: 1,
      predicted: 0,
      confidence: 0.8,
      name: "b, called a",
    });
  });

  it("writes arrays in NumPy's format", () => {
    const file = encodeNpy(Float32Array.of(1, -2.5, 3, 4, 5, 6), [2, 3]);
    assert.equal(file.subarray(0, 8).toString("latin1"), "\x93NUMPY\x01\x00");
    const length = file.readUInt16LE(8);
    assert.equal((10 + length) % 64, 0);
    const header = file.subarray(10, 10 + length).toString("latin1");
    assert.match(header, /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3\), \} *\n$/);
    assert.equal(file.readFloatLE(10 + length + 4), -2.5);
    assert.equal(file.length, 10 + length + 24);
    assert.match(encodeNpy(new Float32Array(3), [3]).toString("latin1"), /\(3,\)/);
    assert.throws(() => encodeNpy(new Float32Array(3), [2, 2]), UserError);
  });
});
