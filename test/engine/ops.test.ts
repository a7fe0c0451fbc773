import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { startEngine } from "#lib/engine/start";
import { cases, inputsOf, valueAndGradients } from "./cases";

function compare(got: tf.Tensor[], expected: tf.Tensor[], tolerance: number) {
  assert.equal(got.length, expected.length);
  got.forEach((tensor, i) => {
    assert.deepEqual(tensor.shape, expected[i].shape, `shape of result ${i}`);
    const want = expected[i].dataSync();
    tensor.dataSync().forEach((value, j) => {
      const error = Math.abs(value - want[j]) / Math.max(1, Math.abs(want[j]));
      assert.ok(error <= tolerance, `result ${i}, element ${j}: ${value} for ${want[j]}`);
    });
  });
}

describe("ops", () => {
  before(() => startEngine());

  for (const test of cases) {
    it(`${test.name}: compiled as eager`, () => {
      const { numTensors } = tf.memory();
      tf.tidy(() => {
        const inputs = inputsOf(test);
        const fn = valueAndGradients(test);
        const compiled = compile({ fn }, { variables: [] });
        const twice = [compiled.call.fn(...inputs), compiled.call.fn(...inputs)];
        const expected = fn(...inputs);
        for (const got of twice)
          compare(got as tf.Tensor[], expected, test.compiledTolerance ?? 1e-5);
        compiled.dispose();
      });
      assert.equal(tf.memory().numTensors, numTensors, "tensors left over");
    });
  }

  for (const test of cases) {
    it(`${test.name}: native as plain tfjs`, async () => {
      const native = tf.tidy(() => valueAndGradients(test)(...inputsOf(test)));
      const values = native.map((x) => ({ shape: x.shape, values: x.dataSync().slice() }));
      await tf.setBackend("cpu");
      try {
        tf.tidy(() => {
          const plain = valueAndGradients(test)(...inputsOf(test));
          const expected = values.map((x) => tf.tensor(x.values, x.shape));
          compare(plain, expected, test.tolerance ?? 2e-5);
        });
      } finally {
        await tf.setBackend("tensorflow");
      }
    });
  }
});
