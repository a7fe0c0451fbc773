import assert from "node:assert/strict";
import { join } from "node:path";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-wasm";
import { createOptimizer } from "#lib/engine/optimizers";
import { startEngine } from "#lib/engine/start";
import { registerWasmKernels } from "#lib/engine/wasm/registry";
import { listModels } from "#lib/models/registry";
import { checkForward, checkGradients, gradients, Reference } from "./parity";

const fixtures = join(__dirname, "../fixtures/models");

describe("models on WASM", () => {
  before(async () => {
    await startEngine();
    registerWasmKernels();
    assert.ok(await tf.setBackend("wasm"));
  });
  after(() => tf.setBackend("tensorflow"));

  for (const name of listModels().filter((name) => name.startsWith("test_"))) {
    it(`${name} gives PyTorch's answers and gradients, and learns`, () => {
      const { numTensors } = tf.memory();
      const reference = new Reference(fixtures, name);
      const model = reference.model(name);
      const images = reference.images();
      checkForward(model, reference);
      checkGradients(model, reference);
      const trained = [...model.parameters.values()].filter(({ trainable }) => trainable);
      const optimizer = createOptimizer({ name: "adamw" }, trained);
      const losses = [1, 2, 3].map((step) => {
        const { logits, value, grads } = gradients(model, images, { training: true });
        tf.tidy(() => optimizer.update([...grads.values()], tf.scalar(1e-4), tf.scalar(step)));
        const loss = value.dataSync()[0];
        tf.dispose([logits, value, ...grads.values()]);
        return loss;
      });
      assert.ok(losses[2] < losses[0], `losses ${losses}`);
      tf.dispose([images, ...optimizer.variables]);
      model.dispose();
      reference.close();
      assert.equal(tf.memory().numTensors, numTensors, "tensors left over");
    });
  }
});
