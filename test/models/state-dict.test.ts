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
import { pooled, relativeError } from "./parity";

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
    const remedy = /build the model with 1000 classes .*--classes.* head: "match"/;
    assert.throws(() => loadStateDict(model, source), remedy);
    const head = values(model, "head.weight");
    const report = loadStateDict(model, source, { head: "match" });
    assert.deepEqual(report.fresh, ["head.weight", "head.bias"]);
    assert.deepEqual(values(model, "head.weight"), head);
    assert.ok(values(model, "norm.bias").every((value) => value === 0.5));
    const without = sourceOf(model, { "head.weight": undefined, "head.bias": undefined });
    assert.equal(loadStateDict(model, without, { head: "match" }).fresh.length, 2);
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
      const report = loadWeights(own, weights, { head: "match" });
      assert.equal(report.loaded.length, own.parameters.size - 2);
      tf.tidy(() => {
        const shape = expected.tensors.get("input")?.shape as [number, number, number, number];
        const images = tf.transpose(tf.tensor4d(expected.read("input"), shape), [0, 2, 3, 1]);
        const features = pooled(own, images, { training: false });
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

describe("state dicts from elsewhere", () => {
  const folder = mkdtempSync(join(tmpdir(), "state-dict-"));
  const file = join(folder, "a.safetensors");
  let model: Model;
  before(async () => {
    await startEngine();
    model = createModel("test_custom_cnn", { numClasses: 3 });
  });
  after(() => {
    model.dispose();
    rmSync(folder, { recursive: true });
  });

  const renamed = (source: TensorSource, rename: (name: string) => string): TensorSource => {
    const names = new Map([...source.tensors.keys()].map((name) => [rename(name), name]));
    const tensors = new Map(
      [...names].map(([to, from]) => [to, { shape: source.tensors.get(from)?.shape ?? [] }]),
    );
    return { name: source.name, tensors, read: (name) => source.read(names.get(name) ?? name) };
  };

  it("load whatever wrapped the names: DataParallel, torch.compile, Lightning, a backbone", () => {
    for (const wrapper of ["module.", "_orig_mod.", "model.", "backbone.", "module._orig_mod."]) {
      const report = loadStateDict(
        model,
        renamed(sourceOf(model), (name) => wrapper + name),
      );
      assert.equal(report.loaded.length, model.parameters.size, wrapper);
      const head = (name: string) => (name.startsWith("fc.") ? name : wrapper + name);
      assert.equal(
        loadStateDict(model, renamed(sourceOf(model), head)).loaded.length,
        model.parameters.size,
        `${wrapper} around the body alone`,
      );
    }
    const both = sourceOf(model, { "module.fc.bias": [3] });
    assert.throws(() => loadStateDict(model, both), /module\.fc\.bias: in the file/);
  });

  it("load with the buffers that follow from Swin's shape, and only those", () => {
    const cases = join(__dirname, "../fixtures/cases/train/swinv2-with-buffers.safetensors");
    const swin = createModel("test_swinv2", { numClasses: 3, inputSize: [32, 32] });
    const { loaded } = loadWeights(swin, cases);
    assert.deepEqual(loaded, [...swin.parameters.keys()]);
    swin.dispose();
    const source = sourceOf(model, { "stem.0.attn_mask": [4, 4] });
    assert.throws(() => loadStateDict(model, source), /attn_mask: in the file/);
  });

  const saved = (outputs: readonly string[], task = "classification") => {
    const one = createModel("test_custom_cnn", { numClasses: outputs.length, seed: 3 });
    saveModel(one, file, { task: { task, loss: "crossEntropy", outputs } });
    const rows = [...(one.parameters.get("fc.weight")?.variable.dataSync() ?? [])];
    one.dispose();
    return rows;
  };
  const asked = (outputs: readonly string[]) => ({
    head: "match" as const,
    task: { task: "classification", loss: "focal", outputs },
  });

  it("keep the classifier of the same outputs, by name, whatever their order", () => {
    const rows = saved(["Barred Spiral", "edge-on", "smooth"]);
    const same = loadWeights(model, file, asked(["Barred Spiral", "edge-on", "smooth"]));
    assert.deepEqual([same.fresh, values(model, "fc.weight")], [[], rows]);
    assert.match(same.classifier, /kept: its outputs are the same$/);
    const other = loadWeights(model, file, asked(["smooth", "barred_spiral", "edge_on"]));
    assert.match(other.classifier, /brought into this order/);
    const width = rows.length / 3;
    const expected = [2, 0, 1].flatMap((row) => rows.slice(row * width, (row + 1) * width));
    assert.deepEqual(values(model, "fc.weight"), expected);
  });

  it("start a fresh classifier for other outputs, and say why", () => {
    const before = values(model, "fc.weight");
    const says = (outputs: readonly string[]) => {
      const { fresh, classifier } = loadWeights(model, file, asked(outputs));
      assert.deepEqual(fresh, ["fc.weight", "fc.bias"]);
      assert.deepEqual(values(model, "fc.weight"), before);
      return classifier;
    };
    saved(["a", "b", "c"]);
    assert.match(says(["a", "b", "d"]), /fresh: the file's does not know d and knows c/);
    saved(["a", "b", "c"], "votes");
    assert.match(says(["a", "b", "c"]), /fresh: the file's is for another task, votes/);
    saved(["a", "b"]);
    assert.match(says(["a", "b", "c"]), /fresh: the file's does not know c/);
  });

  it("keep a classifier of as many outputs where nobody says what they are called", () => {
    saved(["a", "b", "c"]);
    const unnamed = loadWeights(model, file, { head: "match" });
    assert.deepEqual(unnamed.fresh, []);
    assert.match(unnamed.classifier, /3 outputs, whose names are not known/);
  });
});
