import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "#lib/engine/start";
import { valuesOf } from "#lib/engine/values-of";

describe("the numbers of a tensor", () => {
  before(() => startEngine());

  it("are read, and nothing that led to them is left, whatever happens", () => {
    const x = tf.tensor2d([
      [1, 2],
      [3, 4],
    ]);
    const { numTensors } = tf.memory();
    assert.deepEqual(
      valuesOf(() => tf.transpose(tf.mul(x, 2))),
      Float32Array.of(2, 6, 4, 8),
    );
    assert.throws(() => valuesOf(() => tf.reshape(tf.mul(x, 2), [3])));
    assert.equal(tf.memory().numTensors, numTensors);
    x.dispose();
  });
});
