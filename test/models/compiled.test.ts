import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { type EngineInfo, startEngine } from "#lib/engine/start";
import { listModels } from "#lib/models/registry";
import { gradients, pooled, Reference, relativeError } from "./parity";

const fixtures = join(__dirname, "../fixtures/models");

describe("compiled models", () => {
  let engine: EngineInfo;
  before(async () => {
    engine = await startEngine();
  });

  for (const name of listModels().filter((name) => name.startsWith("test_"))) {
    it(`${name}: a compiled step gives PyTorch's logits, gradients and statistics`, () => {
      const reference = new Reference(fixtures, name);
      const model = reference.model(name);
      const images = reference.images();
      const trainable = [...model.parameters].filter(([, p]) => p.trainable).map(([n]) => n);
      const compiled = compile(
        {
          predict: (x: tf.Tensor) => model.forward(x as tf.Tensor4D, { training: false }),
          learn: (x: tf.Tensor) => {
            const { logits, value, grads } = gradients(model, x as tf.Tensor4D, { training: true });
            value.dispose();
            return [logits, ...trainable.map((n) => grads.get(n) ?? tf.zeros([1]))];
          },
        },
        { variables: [...model.parameters.values()].map(({ variable }) => variable) },
      );
      const predicted = compiled.call.predict(images);
      assert.ok(relativeError(predicted.dataSync(), reference.get("logits").data) < 1e-4);
      const [logits, ...grads] = compiled.call.learn(images);
      const error = relativeError(logits.dataSync(), reference.get("train.logits").data);
      assert.ok(error < 1e-4, `training logits: ${error}`);
      trainable.forEach((parameter, i) => {
        const { variable, layout } = model.parameters.get(parameter) ?? assert.fail(parameter);
        if (layout !== "plain" || variable.rank < 2) return;
        const expected = reference.get(`gradient.${parameter}`).data;
        assert.ok(relativeError(grads[i].dataSync(), expected, 1e-4) < 1e-3, parameter);
      });
      compiled.pull();
      for (const after of reference.names("after.")) {
        const variable = model.parameters.get(after.slice("after.".length))?.variable;
        assert.ok(
          relativeError(variable?.dataSync() ?? [], reference.get(after).data) < 1e-4,
          after,
        );
      }
      tf.dispose([predicted, logits, grads, images]);
      compiled.dispose();
      model.dispose();
      reference.close();
    });

    it(`${name}: bfloat16 stays near float32`, function () {
      if (!engine.precisions.includes("mixed_bfloat16")) this.skip();
      const reference = new Reference(fixtures, name);
      const model = reference.model(name);
      const images = reference.images();
      const compiled = compile(
        { predict: (x: tf.Tensor) => pooled(model, x as tf.Tensor4D, { training: false }) },
        {
          variables: [...model.parameters.values()].map(({ variable }) => variable),
          precision: "mixed_bfloat16",
        },
      );
      const features = compiled.call.predict(images);
      const error = relativeError(features.dataSync(), reference.get("features").data);
      assert.ok(error < 2e-2, `features: ${error}`);
      tf.dispose([features, images]);
      compiled.dispose();
      model.dispose();
      reference.close();
    });
  }
});
