import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "#lib/engine/start";
import { loadWeights, saveModel } from "#lib/models/model-file";
import type { Model } from "#lib/models/module";
import { createModel, listModels, modelDefinition } from "#lib/models/registry";
import { checkForward, checkGradients, gradients, Reference, relativeError } from "./parity";

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
            ...model.features(x, { training, seed: tf.tensor1d([a, 0], "int32") }).dataSync(),
            ...model.forward(x, { training, seed: tf.tensor1d([a, 0], "int32") }).dataSync(),
          ];
          assert.deepEqual(run(1), run(1));
          assert.notDeepEqual(run(1), run(2));
          assert.deepEqual(run(1, false), run(2, false));
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

    it("lists each parameter in just one layer, the classifier last", () => {
      withModel((model) => {
        for (const parameter of model.parameters.keys()) {
          const layers = model.layers.filter((prefixes) =>
            prefixes.some((prefix) => parameter === prefix || parameter.startsWith(`${prefix}.`)),
          );
          assert.equal(layers.length, 1, parameter);
        }
        const prefixes = model.layers[model.layers.length - 1];
        for (const prefix of prefixes) {
          assert.equal(model.parameters.get(`${prefix}.weight`)?.variable.shape[0], 4);
        }
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
