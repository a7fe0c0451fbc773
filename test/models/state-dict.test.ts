import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "#lib/engine/start";
import { SafetensorsFile, type TensorSource } from "#lib/io/safetensors";
import { loadWeights, saveModel } from "#lib/models/model-file";
import type { Model } from "#lib/models/module";
import { createModel } from "#lib/models/registry";
import { loadStateDict, torchShape } from "#lib/models/state-dict";
import { relativeError } from "./parity";

/** A model's state dict in memory, with some entries put in place of its own. */
function sourceOf(model: Model, changes: Record<string, number[] | undefined> = {}): TensorSource {
  const own = [...model.parameters].map(([name, { variable, layout }]): [string, number[]] => [
    name,
    torchShape(variable.shape, layout),
  ]);
  const shapes = new Map([...own, ...Object.entries(changes)]);
  const tensors = new Map<string, { shape: number[] }>();
  for (const [name, shape] of shapes) if (shape !== undefined) tensors.set(name, { shape });
  return {
    name: "weights.safetensors",
    tensors,
    read: (name) =>
      new Float32Array((tensors.get(name)?.shape ?? []).reduce((a, b) => a * b, 1)).fill(0.5),
  };
}

const values = (model: Model, name: string) => [
  ...(model.parameters.get(name)?.variable.dataSync() ?? []),
];

const fixtures = join(__dirname, "../fixtures/models");

describe("state dicts", () => {
  const folder = mkdtempSync(join(tmpdir(), "state-dict-"));
  const file = join(folder, "a.safetensors");
  let model: Model;
  before(async () => {
    await startEngine();
    model = createModel("test_vit", { numClasses: 4 });
  });
  after(() => {
    model.dispose();
    rmSync(folder, { recursive: true });
  });

  it("reports all that is missing, unknown or of another shape at once, and changes nothing", () => {
    const before = values(model, "norm.bias");
    const source = sourceOf(model, {
      "norm.weight": undefined,
      "blocks.0.attn.qkv.bias": undefined,
      "blocks.0.extra": [3],
      "blocks.1.mlp.fc1.weight": [32, 128],
    });
    assert.throws(
      () => loadStateDict(model, source),
      (error: Error) => {
        assert.match(error.message, /weights\.safetensors does not fit test_vit with 4 classes/);
        assert.match(error.message, /norm\.weight: missing, \[32\] expected/);
        assert.match(error.message, /blocks\.0\.attn\.qkv\.bias: missing/);
        assert.match(error.message, /blocks\.0\.extra: in the file, and the model has no such/);
        assert.match(error.message, /fc1\.weight: \[32,128\] in the file, \[128,32\] expected/);
        return true;
      },
    );
    assert.deepEqual(values(model, "norm.bias"), before);
  });

  it("keeps a fresh classifier on purpose, and says so", () => {
    const source = sourceOf(model, { "head.weight": [1000, 32], "head.bias": [1000] });
    assert.throws(() => loadStateDict(model, source), /head: "replace"/);
    const head = values(model, "head.weight");
    const report = loadStateDict(model, source, { head: "replace" });
    assert.deepEqual(report.replaced, ["head.weight", "head.bias"]);
    assert.deepEqual(values(model, "head.weight"), head);
    assert.ok(values(model, "norm.bias").every((value) => value === 0.5));
    const without = sourceOf(model, { "head.weight": undefined, "head.bias": undefined });
    assert.equal(loadStateDict(model, without, { head: "replace" }).replaced.length, 2);
  });

  it("resamples position embeddings to another input size, and names them", () => {
    saveModel(model, file);
    const larger = createModel("test_vit", { numClasses: 4, inputSize: [48, 40] });
    const report = loadWeights(larger, file);
    assert.deepEqual(report.resampled, ["pos_embed"]);
    assert.deepEqual(larger.parameters.get("pos_embed")?.variable.shape, [1, 31, 32]);
    larger.dispose();
  });

  for (const name of readdirSync(join(fixtures, "transformers"))) {
    it(`loads ${name} as transformers saves it`, () => {
      const weights = join(fixtures, "transformers", name, "weights.safetensors");
      const expected = SafetensorsFile.open(
        join(fixtures, "transformers", name, "expected.safetensors"),
      );
      const own = createModel(name, { numClasses: 4 });
      const report = loadWeights(own, weights, { head: "replace" });
      assert.equal(report.loaded.length, own.parameters.size - 2);
      tf.tidy(() => {
        const shape = expected.tensors.get("input")?.shape as [number, number, number, number];
        const images = tf.transpose(tf.tensor4d(expected.read("input"), shape), [0, 2, 3, 1]);
        const features = own.features(images, { training: false });
        const error = relativeError(features.dataSync(), expected.read("features"));
        assert.ok(error < 1e-4, `features: relative error ${error}`);
      });
      expected.close();
      own.dispose();
    });
  }

  it("ignores PyTorch's count of batches", () => {
    const cnn = createModel("test_custom_cnn", { numClasses: 4 });
    loadStateDict(cnn, sourceOf(cnn, { "stem.0.bn.num_batches_tracked": [] }));
    cnn.dispose();
  });

  it("writes convolutions in PyTorch's layout", () => {
    const cnn = createModel("test_convnext", { numClasses: 4 });
    const other = createModel("test_convnext", { numClasses: 4, seed: 1 });
    saveModel(cnn, file);
    const tensors = tf.memory().numTensors;
    loadWeights(other, file);
    assert.equal(tf.memory().numTensors, tensors);
    for (const [name, { variable }] of cnn.parameters) {
      const data = variable.dataSync<"float32">();
      assert.equal(relativeError(values(other, name), data), 0, name);
    }
    assert.deepEqual(torchShape([7, 7, 8, 1], "depthwise"), [8, 1, 7, 7]);
    assert.deepEqual(torchShape([4, 4, 3, 8], "conv"), [8, 3, 4, 4]);
    cnn.dispose();
    other.dispose();
  });
});
