import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "#lib/core/errors";
import { startEngine } from "#lib/engine/start";
import { attentionMaps, captureAttention, headMaps } from "#lib/explain/attention-maps";
import { relevance } from "#lib/explain/relevance";
import { rollout } from "#lib/explain/rollout";
import { mapOf } from "#lib/explain/saliency-maps";
import { createModel } from "#lib/models/registry";
import { Explained } from "./support";

describe("attention", () => {
  before(() => startEngine());
  let tensors: number;
  beforeEach(() => {
    tensors = tf.memory().numTensors;
  });
  afterEach(() => assert.equal(tf.memory().numTensors, tensors, "tensors leaked"));

  for (const name of ["test_vit", "test_dinov2"]) {
    describe(name, () => {
      it("is transformers' output_attentions", () => {
        const reference = new Explained(name);
        const attention = captureAttention(reference.model, reference.images);
        reference.check("logits", attention.logits.dataSync(), attention.logits.shape);
        assert.equal(attention.layers.length, 2);
        attention.layers.forEach(({ weights }, i) => {
          reference.check(`attention.${i}`, weights.dataSync(), weights.shape);
        });
        attention.dispose();
        reference.close();
      });

      it("rolls out as in PyTorch, whatever the fusion", () => {
        const reference = new Explained(name);
        const attention = captureAttention(reference.model, reference.images);
        for (const fusion of ["mean", "max", "min"] as const) {
          const { values, size } = rollout(attention, { fusion });
          reference.check(`rollout.${fusion}`, values, [2, ...size]);
        }
        const { values, size } = rollout(attention, { discard: 0.6 });
        reference.check("rollout.discard", values, [2, ...size]);
        attention.dispose();
        reference.close();
      });

      it("gives Chefer's relevance as PyTorch's gradients do", () => {
        const reference = new Explained(name);
        const { values, size } = relevance(reference.model, reference.images, reference.target);
        reference.check("relevance", values, [2, ...size]);
        reference.close();
      });

      it("maps the class token's row, patch by patch", () => {
        const reference = new Explained(name);
        const attention = captureAttention(reference.model, reference.images);
        const [layer] = attention.layers;
        const { values, size, heads } = headMaps(layer);
        assert.deepEqual(size, [4, 4]);
        const all = layer.weights.arraySync();
        const row = all[1][heads - 1][0].slice(layer.prefix);
        assert.deepEqual([...mapOf({ values, size }, 2 * heads - 1)], row);
        const mean = mapOf(attentionMaps(layer), 1);
        const expected = row.map((_, i) =>
          all[1].reduce((sum, head) => sum + head[0][i + layer.prefix] / heads, 0),
        );
        expected.forEach((value, i) => {
          assert.ok(Math.abs(value - mean[i]) < 1e-6);
        });
        attention.dispose();
        reference.close();
      });
    });
  }

  it("puts Swin's windows back in their places", () => {
    const reference = new Explained("test_swinv2");
    const attention = captureAttention(reference.model, reference.images);
    let shifted = 0;
    attention.layers.forEach((layer, i) => {
      if (reference.has(`attention.${i}`))
        reference.check(`attention.${i}`, layer.weights.dataSync(), layer.weights.shape);
      if (!reference.has(`received.${i}`)) return;
      shifted += layer.window?.shift[0] ?? 0;
      const { values, size, heads } = headMaps(layer);
      reference.check(`received.${i}`, values, [2, heads, ...size]);
    });
    assert.ok(shifted > 0, "no shifted window was compared");
    assert.throws(() => rollout(attention), UserError);
    attention.dispose();
    assert.throws(() => relevance(reference.model, reference.images), UserError);
    reference.close();
  });

  it("shares Linformer's mixtures out among tokens, rows staying distributions", () => {
    const model = createModel("test_linformer", { numClasses: 3 });
    const images = tf.randomNormal<tf.Rank.R4>([2, 32, 32, 3], 0, 1, "float32", 3);
    const attention = captureAttention(model, images);
    for (const { weights, grid } of attention.layers) {
      assert.deepEqual(weights.shape, [2, 2, 17, 17]);
      assert.deepEqual(grid, [4, 4]);
      const sums = tf.tidy(() => tf.sum(weights, -1).dataSync());
      for (const sum of sums) assert.ok(Math.abs(sum - 1) < 1e-5);
    }
    const rolled = rollout(attention);
    assert.deepEqual(rolled.size, [4, 4]);
    assert.ok(relevance(model, images).values.some((value) => value > 0));
    attention.dispose();
    images.dispose();
    model.dispose();
  });

  it("reads CvT's class token on the keys' grid, and where attention goes before it", () => {
    const model = createModel("test_cvt", { numClasses: 3 });
    const images = tf.randomNormal<tf.Rank.R4>([2, 64, 64, 3], 0, 1, "float32", 3);
    const attention = captureAttention(model, images);
    assert.equal(attention.layers.length, 6);
    for (const layer of attention.layers) {
      const { prefix, grid, weights } = layer;
      assert.equal(weights.shape[3], prefix + grid[0] * grid[1], layer.name);
      assert.equal(prefix, layer.name.includes("stages.2") ? 1 : 0);
      const { values, size } = attentionMaps(layer);
      assert.deepEqual(size, grid);
      const sum = mapOf({ values, size }, 0).reduce((a, b) => a + b, 0);
      assert.ok(prefix === 1 ? sum < 1 : Math.abs(sum - 1) < 1e-5);
    }
    assert.throws(() => rollout(attention), UserError);
    attention.dispose();
    tf.dispose(images);
    model.dispose();
  });

  it("refuses a model without attention, and a discard that leaves nothing", () => {
    const model = createModel("test_custom_cnn", { numClasses: 3 });
    const images = tf.zeros<tf.Rank.R4>([1, 32, 32, 3]);
    assert.throws(() => captureAttention(model, images), /no attention/);
    assert.throws(() => relevance(model, images), /no attention/);
    model.dispose();
    const vit = createModel("test_vit", { numClasses: 3 });
    const attention = captureAttention(vit, images);
    assert.throws(() => rollout(attention, { discard: 1 }), UserError);
    attention.dispose();
    vit.dispose();
    images.dispose();
  });
});
