import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "#lib/engine/start";
import { loadWeights, saveModel } from "#lib/models/model-file";
import type { Model } from "#lib/models/module";
import { createModel, listModels, modelDefinition } from "#lib/models/registry";
import {
  checkForward,
  checkGradients,
  gradients,
  pooled,
  Reference,
  relativeError,
} from "./parity";

const fixtures = join(__dirname, "../fixtures/models");
const tiny = listModels().filter((name) => name.startsWith("test_"));

before(() => startEngine());

for (const name of tiny) {
  describe(name, () => {
    const [height, width] = modelDefinition(name).inputSize;
    const images = (batch: number) =>
      tf.randomNormal<tf.Rank.R4>([batch, height, width, 3], 0, 1, "float32", 7);
    const seed = () => tf.tensor1d([3, 4], "int32");
    let tensors: number;
    beforeEach(() => {
      tensors = tf.memory().numTensors;
    });
    afterEach(() => assert.equal(tf.memory().numTensors, tensors, "tensors leaked"));
    const withModel = (use: (model: Model) => void, options = {}) => {
      const model = createModel(name, { numClasses: 4, ...options });
      tf.tidy(() => use(model));
      model.dispose();
    };

    it("answers, and learns, as PyTorch does", () => {
      assert.ok(existsSync(join(fixtures, name)), "no fixture: run tools/fixtures/models.py");
      const reference = new Reference(fixtures, name);
      const model = reference.model(name);
      const count = [...model.parameters.values()]
        .filter(({ buffer }) => !buffer)
        .reduce((sum, { variable }) => sum + variable.size, 0);
      assert.equal(count, reference.parameters, "number of parameters");
      checkForward(model, reference);
      checkGradients(model, reference);
      model.dispose();
      reference.close();
    });

    it("gives [batch, classes] for batches of 1 and 3, each image by itself", () => {
      withModel((model) => {
        const three = images(3);
        const all = model.forward(three, { training: false });
        assert.deepEqual(all.shape, [3, 4]);
        const first = model.forward(tf.slice(three, 0, 1), { training: false });
        assert.deepEqual(first.shape, [1, 4]);
        const expected = all.dataSync<"float32">().slice(0, 4);
        assert.ok(relativeError(first.dataSync(), expected, 1e-3) < 1e-4);
      });
    });

    it("reaches every parameter with a gradient", () => {
      const model = createModel(name, { numClasses: 4, dropout: 0.1, dropPath: 0.1 });
      const [x, s] = [images(2), seed()];
      const { logits, value, grads } = gradients(model, x, { training: true, seed: s });
      const trainable = [...model.parameters].filter(([, p]) => p.trainable).map(([n]) => n);
      assert.deepEqual([...grads.keys()].sort(), trainable.sort());
      for (const [parameter, gradient] of grads) {
        assert.ok(Number.isFinite(tf.tidy(() => tf.sum(gradient).dataSync()[0])), parameter);
      }
      tf.dispose([x, s, logits, value, ...grads.values()]);
      model.dispose();
    });

    it("drops by the seed in training, and never in evaluation", () => {
      withModel(
        (model) => {
          const x = images(2);
          const run = (a: number, training = true) => [
            ...pooled(model, x, { training, seed: tf.tensor1d([a, 0], "int32") }).dataSync(),
            ...model.forward(x, { training, seed: tf.tensor1d([a, 0], "int32") }).dataSync(),
          ];
          assert.deepEqual(run(1), run(1));
          assert.notDeepEqual(run(1), run(2));
          assert.deepEqual(run(1, false), run(2, false));
          const sample = (a: number) => {
            const seed = tf.tensor1d([a, 0], "int32");
            return [...model.forward(x, { training: false, dropping: true, seed }).dataSync()];
          };
          assert.ok(model.drops.size > 0);
          assert.deepEqual(sample(1), sample(1));
          assert.notDeepEqual(sample(1), sample(2));
        },
        { dropout: 0.5 },
      );
    });

    it("comes back from a file as it was", () => {
      const folder = mkdtempSync(join(tmpdir(), "models-"));
      const file = join(folder, "a.safetensors");
      withModel((model) => {
        saveModel(model, file);
        const x = images(2);
        const expected = model.forward(x, { training: false }).dataSync<"float32">();
        const other = createModel(name, { numClasses: 4, seed: 1 });
        assert.ok(relativeError(other.forward(x, { training: false }).dataSync(), expected) > 1e-3);
        loadWeights(other, file);
        assert.deepEqual(other.forward(x, { training: false }).dataSync(), expected);
        other.dispose();
      });
      rmSync(folder, { recursive: true });
    });

    it("is the same for the same seed", () => {
      const values = (s: number) => {
        const model = createModel(name, { numClasses: 4, seed: s });
        const all = [...model.parameters.values()].map(({ variable }) => variable.dataSync());
        model.dispose();
        return all;
      };
      assert.deepEqual(values(5), values(5));
      assert.notDeepEqual(values(5), values(6));
    });

    it("lists each parameter in just one group, the classifier last", () => {
      withModel((model) => {
        for (const parameter of model.parameters.keys()) {
          const groups = model.parameterGroups.filter((prefixes) =>
            prefixes.some((prefix) => parameter === prefix || parameter.startsWith(`${prefix}.`)),
          );
          assert.equal(groups.length, 1, parameter);
        }
        assert.equal(model.parameterGroups.at(-1)?.at(-1), model.classifier);
        assert.equal(model.parameters.get(`${model.classifier}.weight`)?.variable.shape[0], 4);
      });
    });

    it("gives the logits in two halves as in one", () => {
      withModel((model) => {
        const context = { training: false };
        const x = images(2);
        const whole = model.forward(x, context).dataSync<"float32">();
        const features = model.forwardFeatures(x, context);
        assert.equal(features.shape[0], 2);
        assert.ok([3, 4].includes(features.rank), "a feature map or tokens");
        const asked = model.forwardFeatures(x, { ...context, pooledOnly: true });
        assert.deepEqual(model.forwardHead(asked, context).dataSync(), whole);
        const logits = model.forwardHead(features, context).dataSync();
        // Tokens that were left out change how the others are rounded.
        if (asked.size === features.size) assert.deepEqual(logits, whole);
        else assert.ok(relativeError(logits, whole) < 1e-5);
        const preLogits = model.forwardHead(features, context, { preLogits: true });
        assert.deepEqual(preLogits.shape, [2, model.numFeatures]);
      });
    });

    it("without a classifier gives pooled features, and takes another classifier", () => {
      withModel((model) => {
        const context = { training: false };
        const x = images(2);
        const expected = pooled(model, x, { ...context, pooledOnly: true }).dataSync();
        const body = [...model.parameters.keys()].filter((n) => !n.startsWith(model.classifier));
        model.resetClassifier(0);
        assert.equal(model.numClasses, 0);
        assert.deepEqual([...model.parameters.keys()], body);
        assert.deepEqual(model.forward(x, context).dataSync(), expected);
        const bare = createModel(name, { numClasses: 0 });
        assert.deepEqual(bare.forward(x, context).dataSync(), expected);
        bare.dispose();
        model.resetClassifier(7);
        assert.deepEqual(model.forward(x, context).shape, [2, 7]);
        assert.equal(model.parameters.get(`${model.classifier}.bias`)?.variable.size, 7);
        assert.throws(() => model.resetClassifier(-1), /numClasses is -1/);
      });
    });

    it("shows attention and feature maps where it says so, on grids of the strides it says", () => {
      withModel((model) => {
        const seen = new Map<string, tf.Tensor>();
        const hook = (name: string, value: tf.Tensor) => {
          seen.set(name, tf.keep(tf.clone(value)));
        };
        model.forward(images(2), { training: false, hook });
        assert.ok(model.attention.length + model.featureMaps.length > 0, "nothing to explain");
        for (const { name, prefix, stride, window, mixing } of model.attention) {
          const weights = seen.get(name) ?? assert.fail(`${name} is not shown`);
          const grid = Math.ceil(height / stride) * Math.ceil(width / stride);
          const keys = window === undefined ? prefix + grid : window.size[0] * window.size[1];
          assert.equal(mixing === undefined ? weights.shape[3] : mixing.shape[0], keys, name);
          if (mixing !== undefined) assert.equal(weights.shape[3], mixing.shape[1]);
          for (const sum of tf.sum(weights, -1).dataSync()) assert.ok(Math.abs(sum - 1) < 1e-5);
        }
        for (const name of model.featureMaps) {
          const map = seen.get(name) ?? assert.fail(`${name} is not shown`);
          assert.equal(map.rank, 4, name);
          assert.equal(map.shape[0], 2, name);
        }
        tf.dispose([...seen.values()]);
      });
    });

    it("refuses images that it cannot take", () => {
      withModel((model) => {
        const odd = tf.zeros<tf.Rank.R4>([1, 17, width, 3]);
        assert.throws(() => model.forward(odd, { training: false }), /17×/);
      });
    });
  });
}
