import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "#lib/engine/native";
import { silu } from "#lib/engine/ops";
import { castNode, type GraphNode, makeNode } from "#lib/engine/tensorflow/graph";
import { Session } from "#lib/engine/tensorflow/session";
import { hasSiluKernel, siluNode } from "#lib/engine/tensorflow/silu-op";
import { withOwnKernel } from "../support";

/** SiLU of `x`, and its gradient where `dy` is given, as the kernels have them. */
function run(given: readonly tf.Tensor[], threads: number): tf.Tensor {
  const nodes: GraphNode[] = [];
  const inputs = given.map(({ shape }, i) => {
    const fed = makeNode(`fed${i}`, "Placeholder", {
      attributes: [attribute.type("dtype", DT.float32), attribute.shape("shape", shape)],
      outputs: [{ shape, dtype: DT.float32 }],
    });
    const cast = castNode(`cast${i}`, { node: fed, index: 0 }, DT.bfloat16);
    nodes.push(fed, cast);
    return { node: cast, index: 0 };
  });
  const kernel = siluNode("kernel", inputs, threads);
  // What is read by another op, too, must stay as it is.
  const again = siluNode("again", inputs, threads);
  const results = [kernel, again].map((node, i) =>
    castNode(`result${i}`, { node, index: 0 }, DT.float32),
  );
  const session = new Session([...nodes, kernel, again, ...results]);
  try {
    const [a, b] = session.run(
      given,
      given.map((_, i) => `fed${i}:0`),
      results.map(({ name }) => `${name}:0`),
    );
    assert.deepEqual(a.dataSync(), b.dataSync());
    return a;
  } finally {
    session.close();
  }
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
