import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "#lib/engine/start";
import { freeze, learningRateScales } from "#lib/models/freeze";
import { countFlops, modelSummary, parameterCount } from "#lib/models/model-summary";
import {
  createModel,
  listModels,
  modelDefinition,
  registerArchitecture,
} from "#lib/models/registry";
import layerDecay from "../fixtures/models/layer_decay.json";

describe("models", () => {
  before(() => startEngine());

  it("are listed, tiny ones last", () => {
    const names = listModels();
    for (const name of ["custom_cnn", "resnet50", "vit_base_patch16_224", "regnety_080"]) {
      assert.ok(names.includes(name), name);
    }
    const firstTest = names.findIndex((name) => name.startsWith("test_"));
    assert.ok(names.slice(firstTest).every((name) => name.startsWith("test_")));
  });

  it("are added from outside, and taken out again", () => {
    const mine = { mine: modelDefinition("test_vit") };
    const takeOut = registerArchitecture(mine);
    assert.ok(listModels().includes("mine"));
    assert.throws(() => registerArchitecture(mine), /there is a model "mine" already/);
    const model = createModel("mine", { numClasses: 3 });
    assert.equal(model.name, "mine");
    model.dispose();
    takeOut();
    assert.throws(() => createModel("mine", { numClasses: 3 }), /no model "mine"/);
  });

  it("take images as timm's published weights want them", () => {
    const file = join(__dirname, "../fixtures/models/preprocessing.json");
    const wanted: Record<string, object> = JSON.parse(readFileSync(file, "utf8"));
    const seen = new Set<string>();
    for (const name of listModels()) {
      const { hub, inputSize, preprocessing } = modelDefinition(name);
      if (!hub?.startsWith("timm/")) continue;
      const key = hub.slice("timm/".length);
      seen.add(key);
      assert.deepEqual({ inputSize, ...preprocessing }, wanted[key], name);
    }
    assert.deepEqual([...seen].sort(), Object.keys(wanted).sort());
  });

  it("refuse unknown names, class counts and sizes", () => {
    assert.throws(
      () => createModel("resnet51", { numClasses: 2 }),
      /no model "resnet51"[\s\S]*resnet50/,
    );
    assert.throws(() => createModel("constructor", { numClasses: 2 }), /no model/);
    assert.throws(() => createModel("test_vit", { numClasses: 0.5 }), /numClasses is 0.5/);
    assert.throws(
      () => createModel("test_vit", { numClasses: 2, inputSize: [30, 32] }),
      /30×32[\s\S]*multiple of 8/,
    );
    const model = createModel("test_vit", { numClasses: 2 });
    const larger = tf.zeros<tf.Rank.R4>([1, 40, 40, 3]);
    assert.throws(() => model.forward(larger, { training: false }), /built for 32×32.*got 40×40/);
    larger.dispose();
    model.dispose();
  });

  it("have as many parameters and operations as their papers say", () => {
    // timm 1.0.31's counts at 1,000 classes; GFLOP = 2 × the multiply-adds it lists.
    const published = { custom_cnn: [1474120, 0.246], resnet18: [11689512, 3.63] } as const;
    for (const [name, [parameters, gflop]] of Object.entries(published)) {
      const model = createModel(name, { numClasses: 1000 });
      assert.equal(parameterCount(model), parameters);
      assert.ok(Math.abs(countFlops(model) / 1e9 / gflop - 1) < 0.01, name);
      const { layer, parameters: counts } = modelSummary(model);
      assert.equal(layer[layer.length - 1], `${name}, in all`);
      assert.equal(counts[counts.length - 1], parameters);
      model.dispose();
    }
  });

  it("freeze from the first layer on; frozen batch norms keep their statistics", () => {
    const model = createModel("test_resnet18", { numClasses: 4 });
    const trainable = () =>
      [...model.parameters].filter(([, p]) => p.trainable).map(([name]) => name);
    const statistics = () =>
      [...model.parameters]
        .filter(([, p]) => p.buffer)
        .map(([name, p]) => [name, [...p.variable.dataSync()]] as const);
    freeze(model, "backbone");
    assert.deepEqual(trainable(), ["fc.weight", "fc.bias"]);
    const before = statistics();
    const images = tf.randomNormal<tf.Rank.R4>([2, 64, 64, 3]);
    model.forward(images, { training: true }).dispose();
    assert.deepEqual(statistics(), before);

    freeze(model, 2);
    assert.ok(!trainable().includes("layer1.0.conv1.weight"));
    assert.ok(trainable().includes("layer2.0.conv1.weight"));
    model.forward(images, { training: true }).dispose();
    const moved = statistics().filter(([, values], i) =>
      values.some((v, j) => v !== before[i][1][j]),
    );
    assert.ok(moved.length > 0 && moved.every(([name]) => /^layer[234]/.test(name)));

    freeze(model, "none");
    assert.equal(
      trainable().length,
      [...model.parameters.values()].filter((p) => !p.buffer).length,
    );
    images.dispose();
    model.dispose();
  });

  it("leave nothing but the classifier where the backbone is frozen", () => {
    for (const name of ["test_convnext", "test_vgg", "test_vit"]) {
      const model = createModel(name, { numClasses: 4 });
      freeze(model, "backbone");
      const open = [...model.parameters].filter(([, p]) => p.trainable).map(([name]) => name);
      assert.deepEqual(open, [`${model.classifier}.weight`, `${model.classifier}.bias`]);
      model.dispose();
    }
  });

  const decays = layerDecay as Record<string, Record<string, number>>;
  for (const name of listModels().filter((name) => name.startsWith("test_"))) {
    it(`give lower layers lower rates, as timm does: ${name}`, () => {
      const theirs = decays[name] ?? assert.fail("tools/fixtures/layer_decay.py does not know it");
      const model = createModel(name, { numClasses: 4 });
      const scales = learningRateScales(model, 0.75);
      for (const [parameter, scale] of Object.entries(theirs)) {
        const ours = scales.get(parameter) ?? Number.NaN;
        assert.ok(Math.abs(ours - scale) < 1e-9, `${parameter}: ${ours} for ${scale}`);
      }
      const learned = [...model.parameters].filter(([, { buffer }]) => !buffer);
      assert.equal(Object.keys(theirs).length, learned.length);
      model.dispose();
    });
  }
});
