import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { gateNode, hasGateKernel } from "#lib/engine/tensorflow/gate-op";
import { fixed } from "../cases";
import { withOwnKernel } from "../support";
import { runKernel } from "./support";

/** Whole numbers, whose products bfloat16 has. */
function numbers(shape: readonly number[], salt: number): tf.Tensor {
  return tf.tidy(() => tf.round(fixed(shape, [-15, 15], salt)));
}

describe("a gate of our own", () => {
  withOwnKernel(hasGateKernel);

  for (const threads of [1, 2, 64]) {
    it(`is the product of each channel, of any size: ${threads} threads`, () => {
      for (const [batch, height, width, channels] of [
        [1, 1, 2, 1],
        [2, 3, 1, 31],
        [3, 5, 7, 32],
        [2, 4, 4, 33],
        [5, 17, 19, 168],
      ]) {
        tf.tidy(() => {
          const x = numbers([batch, height, width, channels], 1);
          const gate = numbers([batch, 1, 1, channels], 2);
          const got = runKernel({ x, gate }, (of) => gateNode("kernel", of.x, of.gate, threads));
          assert.deepEqual(got.dataSync(), tf.mul(x, gate).dataSync());
        });
      }
    });
  }

  it("keeps what is not a number to its channel", () => {
    tf.tidy(() => {
      const x = tf.tensor4d([1, NaN, 3, 4], [1, 2, 1, 2]);
      const gate = tf.tensor4d([Number.POSITIVE_INFINITY, 2], [1, 1, 1, 2]);
      const got = runKernel({ x, gate }, (of) => gateNode("kernel", of.x, of.gate, 1));
      const endless = Number.POSITIVE_INFINITY;
      assert.deepEqual(Array.from(got.dataSync()), [endless, NaN, endless, 8]);
    });
  });
});
