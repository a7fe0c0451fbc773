import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { d4Square, d4Symmetries } from "#lib/core/d4";
import { Random } from "#lib/core/random";
import { startEngine } from "#lib/engine/start";
import { groupConv2d } from "#lib/models/group-convolution";
import type { Model } from "#lib/models/module";
import { Parameters } from "#lib/models/parameters";
import { createModel } from "#lib/models/registry";
import { answerFunction } from "#lib/predict/answers";

const SIDE = 32;
const random = new Random(3, "p4m");
const noise = (length: number) => Float32Array.from({ length }, () => random.normal());

/** A model whose every weight acts: fresh norms of branches are 0. */
function model(): Model {
  const made = createModel("test_p4m_resnet10", { numClasses: 3 });
  for (const [name, { variable }] of made.parameters)
    if (/bn\d?\.|downsample\.1\./.test(name)) {
      const positive = /running_var|weight$/.test(name);
      const values = noise(variable.size).map((v) => (positive ? Math.abs(v) + 0.5 : v / 5));
      variable.assign(tf.tensor(values, variable.shape));
    }
  return made;
}

describe("networks that know no upper side", () => {
  before(() => startEngine());

  it("give every orientation the same answer, and other galaxies another", () => {
    const network = model();
    const before = tf.memory().numTensors;
    const galaxy = noise(SIDE * SIDE * 3);
    const all = [...d4Symmetries.map((g) => d4Square(galaxy, SIDE, 3, g)), noise(galaxy.length)];
    const one = (pixels: Float32Array, training: boolean) =>
      tf.tidy(() => {
        const image = tf.tensor4d(pixels, [1, SIDE, SIDE, 3]);
        const features = network.forwardFeatures(image, { training });
        return network.forwardHead(features, { training }, { preLogits: true }).dataSync();
      });
    const answers = all.map((pixels) => one(pixels, false));
    const largest = Math.max(...answers[0].map(Math.abs));
    const differences = answers.map((answer) =>
      Math.max(...answer.map((v, i) => Math.abs(v - answers[0][i]) / largest)),
    );
    assert.ok(Math.max(...differences.slice(0, 8)) < 1e-5, String(differences));
    assert.ok(differences[8] > 0.01, String(differences));
    assert.equal(tf.memory().numTensors, before);
    network.dispose();
  });

  it("are asked once where others are asked in eight orientations", () => {
    const asked = (network: Model, testTimeAugmentation: boolean) => {
      let calls = 0;
      const { forward } = network;
      network.forward = (images, context) => {
        calls++;
        return forward(images, context);
      };
      const answer = answerFunction(network, { activate: (x) => x }, { testTimeAugmentation });
      tf.tidy(() => answer(tf.zeros([1, SIDE, SIDE, 3])));
      return calls;
    };
    for (const [name, calls] of [
      ["test_p4m_resnet10", 1],
      ["test_custom_cnn", 8],
    ] as const) {
      const network = createModel(name, { numClasses: 2 });
      assert.equal(network.isInvariant, calls === 1);
      assert.deepEqual([asked(network, false), asked(network, true)], [1, calls]);
      network.dispose();
    }
  });

  it("have feature maps that turn with the image, their orientations exchanged", () => {
    const p = Parameters.root(1);
    const layer = groupConv2d(p, 3, 4, 3, { lifting: true });
    const image = noise(8 * 8 * 3);
    const map = (pixels: Float32Array) =>
      tf.tidy(
        () =>
          layer(tf.tensor4d(pixels, [1, 8, 8, 3]), { training: false }).dataSync() as Float32Array,
      );
    const plain = map(image);
    for (const g of d4Symmetries) {
      const turned = d4Square(plain, 8, 32, g);
      const ofTurned = map(d4Square(image, 8, 3, g));
      // Each of the eight copies of a channel is there, in one place or another.
      const close = (a: number, b: number) =>
        Array.from({ length: 64 }, (_, i) => i * 32).every(
          (at) => Math.abs(ofTurned[at + a] - turned[at + b]) < 1e-5,
        );
      const places = Array.from({ length: 8 }, (_, i) =>
        Array.from({ length: 8 }, (_, j) => j).filter((j) => close(4 * i, 4 * j)),
      );
      assert.deepEqual(places.flat().sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
    for (const { variable } of p.all.values()) variable.dispose();
  });

  it("have the gradient of finite differences", () => {
    const p = Parameters.root(2);
    const layer = groupConv2d(p, 2, 2, 4, { stride: 2 });
    const [{ variable }] = p.all.values();
    const x = tf.tensor4d(noise(8 * 8 * 16), [1, 8, 8, 16]);
    const weights = tf.tensor4d(noise(4 * 4 * 16), [1, 4, 4, 16]);
    const loss = () =>
      tf.sum(tf.mul(weights, tf.square(layer(x, { training: true })))) as tf.Scalar;
    const { value, grads } = tf.variableGrads(loss);
    const gradient = grads[variable.name].dataSync();
    const values = variable.dataSync().slice() as Float32Array;
    for (let trial = 0; trial < 12; trial++) {
      const at = random.integer(values.length);
      const sides = [1e-2, -1e-2].map((step) => {
        const moved = values.slice();
        moved[at] += step;
        variable.assign(tf.tensor(moved, variable.shape));
        return tf.tidy(() => loss().dataSync()[0]);
      });
      const expected = (sides[0] - sides[1]) / 2e-2;
      const scale = Math.max(...gradient.map(Math.abs));
      assert.ok(Math.abs(gradient[at] - expected) < 2e-3 * scale, `${gradient[at]} ${expected}`);
    }
    value.dispose();
    x.dispose();
    variable.dispose();
  });
});
