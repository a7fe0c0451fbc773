import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { silu } from "#lib/engine/ops";
import { hasSiluKernel, siluNode } from "#lib/engine/tensorflow/silu-op";
import { withOwnKernel } from "../support";
import { runKernel } from "./support";

/** SiLU of `x`, or its gradient where `dy` is given, as the kernels have them. */
function run([x, dy]: readonly tf.Tensor[], threads: number): tf.Tensor {
  return runKernel(dy === undefined ? { x } : { x, dy }, (operands) =>
    siluNode("kernel", Object.values(operands), threads),
  );
}

/** Numbers from -30 to 30, all of which bfloat16 has. */
function numbers(count: number): tf.Tensor {
  const values = Array.from({ length: count }, (_, i) => (((i * 37) % 241) - 120) / 4);
  return tf.tensor1d(values);
}

describe("SiLU of our own", () => {
  withOwnKernel(hasSiluKernel);

  for (const threads of [1, 2, 64]) {
    it(`is SiLU and its gradient to bfloat16, of any size: ${threads} threads`, () => {
      for (const count of [1, 31, 32, 33, 241, 50_001]) {
        tf.tidy(() => {
          const x = numbers(count);
          const dy = tf.reverse(numbers(count));
          const pairs = [
            [run([x], threads), silu(x)],
            [run([x, dy], threads), tf.grad((y) => silu(y))(x, dy)],
          ];
          for (const [got, expected] of pairs) {
            // Half a step of bfloat16, and what exponential and reciprocal are off by.
            const most = tf.add(tf.mul(tf.abs(expected), 2 ** -8), 1e-3 * 2 ** -8);
            const off = tf.max(tf.div(tf.abs(tf.sub(got, expected)), most)).dataSync()[0];
            assert.ok(off <= 1.05, `${count} numbers: off by ${off} of what rounding may be`);
          }
        });
      }
    });
  }

  it("keeps what is not a number, and is 0 and the number itself far out", () => {
    tf.tidy(() => {
      const x = tf.tensor1d([NaN, 1e4, -1e4, 0, -0]);
      const got = Array.from(run([x], 1).dataSync());
      assert.deepEqual(got.map(Math.abs), [NaN, 9984, 0, 0, 0]);
      const slope = Array.from(run([x, tf.ones([5])], 1).dataSync());
      assert.deepEqual(slope.map(Math.abs), [NaN, 1, 0, 0.5, 0.5]);
      assert.ok(Number.isNaN(run([tf.zeros([1]), tf.tensor1d([NaN])], 1).dataSync()[0]));
    });
  });
});
