import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "#lib/core/errors";
import { startEngine } from "#lib/engine/start";
import { gradCam } from "#lib/explain/grad-cam";
import { imageGradient } from "#lib/explain/gradients";
import { guidedBackprop } from "#lib/explain/guided-backprop";
import { integratedGradients } from "#lib/explain/integrated-gradients";
import { occlusion } from "#lib/explain/occlusion";
import { relevance } from "#lib/explain/relevance";
import { mapOf } from "#lib/explain/saliency-maps";
import { createModel, listModels } from "#lib/models/registry";
import { assertSame } from "../engine/support";
import { Explained } from "./support";

describe("attribution", () => {
  before(() => startEngine());
  let tensors: number;
  beforeEach(() => {
    tensors = tf.memory().numTensors;
  });
  afterEach(() => assert.equal(tf.memory().numTensors, tensors, "tensors leaked"));

  it("Grad-CAM and Grad-CAM++ are PyTorch's", () => {
    const reference = new Explained("test_resnet18");
    const { model, images, target } = reference;
    const plain = gradCam(model, images, { target });
    reference.check("grad_cam", plain.values, [2, ...plain.size]);
    const plus = gradCam(model, images, { target, form: "grad-cam++" });
    reference.check("grad_cam_pp", plus.values, [2, ...plus.size]);
    const finer = gradCam(model, images, { target, layer: "layer2.0" });
    assert.ok(finer.size[0] > plain.size[0]);
    reference.close();
  });

  it("guided backpropagation is PyTorch's, and leaves ReLU as it was", () => {
    const reference = new Explained("test_resnet18");
    const { model, images, target } = reference;
    const gradient = () => tf.tidy(() => imageGradient(model, images, target).dataSync());
    const before = gradient();
    const { values, size } = guidedBackprop(model, images, target);
    reference.check("guided", values, [2, ...size]);
    assertSame(gradient(), before);
    reference.close();
  });

  for (const name of ["test_resnet18", "test_vit", "test_dinov2"]) {
    it(`integrated gradients of ${name} are PyTorch's`, () => {
      const reference = new Explained(name);
      const { model, images, target } = reference;
      const { values, size } = integratedGradients(model, images, { target, steps: 8 });
      reference.check("integrated", values, [2, ...size]);
      reference.close();
    });
  }

  for (const name of listModels().filter((name) => name.startsWith("test_"))) {
    it(`integrated gradients of ${name} add up to the change of the logit`, () => {
      const model = createModel(name, { numClasses: 3, seed: 1 });
      const images = tf.randomUniform<tf.Rank.R4>([1, ...model.inputSize, 3], 0, 1, "float32", 5);
      const { change, gap, values } = integratedGradients(model, images, { steps: 24 });
      const sum = values.reduce((a, b) => a + b, 0);
      const size = values.reduce((a, b) => a + Math.abs(b), 0);
      assert.ok(Math.abs(sum - change[0] - gap[0]) < 1e-4);
      assert.ok(Math.abs(change[0]) > 1e-5, "the logit does not change");
      assert.ok(Math.abs(gap[0]) < 0.05 * size, `off by ${gap[0]} of ${size}`);
      images.dispose();
      model.dispose();
    });
  }

  it("occlusion is the fall of the logit behind a cover, averaged over covers", () => {
    const model = createModel("test_custom_cnn", { numClasses: 3, seed: 2 });
    const images = tf.randomUniform<tf.Rank.R4>([2, 32, 32, 3], -1, 1, "float32", 5);
    const { values, size } = occlusion(model, images, { window: 8, stride: 8, target: 2 });
    assert.deepEqual(size, [32, 32]);
    // By hand: the third cover of the second row of image 1.
    const fall = tf.tidy(() => {
      const one = tf.slice(images, [1, 0, 0, 0], [1, -1, -1, -1]);
      const pixels = one.arraySync() as number[][][][];
      const sky = [0, 1, 2].map((c) => {
        const all = pixels[0].flat().map((pixel) => pixel[c]);
        return all.sort((a, b) => a - b)[512];
      });
      for (let y = 8; y < 16; y++) for (let x = 16; x < 24; x++) pixels[0][y][x] = sky;
      const logit = (x: tf.Tensor) =>
        model.forward(x as tf.Tensor4D, { training: false }).dataSync()[2];
      return logit(one) - logit(tf.tensor4d(pixels));
    });
    assert.ok(Math.abs(fall - mapOf({ values, size }, 1)[10 * 32 + 20]) < 1e-5);
    const overlapping = occlusion(model, images, { window: 12, stride: 5, batchSize: 7 });
    assert.ok(overlapping.values.every(Number.isFinite));
    assert.throws(() => occlusion(model, images, { window: 40 }), UserError);
    images.dispose();
    model.dispose();
  });

  it("says what a model cannot be asked", () => {
    const vit = createModel("test_vit", { numClasses: 3 });
    const images = tf.zeros<tf.Rank.R4>([1, 32, 32, 3]);
    assert.throws(() => gradCam(vit, images), /no feature map/);
    assert.throws(() => guidedBackprop(vit, images), /none/);
    assert.throws(() => relevance(vit, images, 7), /class 7/);
    assert.throws(() => occlusion(vit, images, { target: -1 }), /class -1/);
    assert.throws(() => integratedGradients(vit, images, { target: 3 }), /class 3/);
    assert.throws(() => integratedGradients(vit, images, { target: [1, 1] }), /2 target classes/);
    vit.dispose();
    const cnn = createModel("test_custom_cnn", { numClasses: 3 });
    assert.throws(() => gradCam(cnn, images, { layer: "nowhere" }), /blocks\.0, blocks\.1/);
    cnn.dispose();
    images.dispose();
  });
});
