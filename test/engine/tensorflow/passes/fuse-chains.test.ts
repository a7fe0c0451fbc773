import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { DT } from "#lib/engine/native";
import { type Precision, startEngine } from "#lib/engine/start";
import { makeNode } from "#lib/engine/tensorflow/graph";
import { fuseChains } from "#lib/engine/tensorflow/passes/fuse-chains";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../../cases";

const LARGE = [16, 64, 64, 2];

/** The ops of each kernel that the pass makes of a training step. */
function kernels(
  fn: (x: tf.Tensor, y: tf.Tensor) => tf.Tensor | tf.Tensor[],
  {
    shape = LARGE,
    learns = true,
    precision = "mixed_bfloat16",
    portable = false,
  }: { shape?: number[]; learns?: boolean; precision?: Precision; portable?: boolean } = {},
): string[][] {
  return tf.tidy(() => {
    const seen = tf.variable(tf.scalar(0));
    const step = (x: tf.Tensor, y: tf.Tensor) => {
      if (learns) seen.assign(tf.mean(x) as tf.Scalar);
      return fn(x, y);
    };
    const handle = makeNode("v", "VarHandleOp", { outputs: [{ shape: [], dtype: DT.float32 }] });
    const inputs = [fixed(shape, [-1, 1], 1), fixed(shape, [-1, 1], 2)];
    const trace = traceFunction("step", step as never, inputs, new Map([[seen, handle]]));
    const made = fuseChains.run(trace, { precision, portable });
    seen.dispose();
    return made.nodes.flatMap(({ body }) => (body ? [body.nodes.map(({ op }) => op)] : []));
  });
}

describe("chains of element-wise ops", () => {
  before(() => startEngine());

  it("become one kernel", () => {
    assert.deepEqual(
      kernels((x, y) => tf.relu(tf.sub(tf.add(x, y), tf.mul(x, 0.5)))),
      [["Add", "Const", "Mul", "Sub", "Relu"]],
    );
  });

  it("end where two read a value, or where it is a result", () => {
    const shared = (x: tf.Tensor, y: tf.Tensor) => {
      const sum = tf.relu(tf.add(x, y));
      return [tf.mean(sum), tf.neg(tf.square(sum))];
    };
    assert.deepEqual(kernels(shared), [
      ["Add", "Relu"],
      ["Square", "Neg"],
    ]);
    const asked = (x: tf.Tensor, y: tf.Tensor) => {
      const sum = tf.add(x, y);
      return [sum, tf.relu(sum)];
    };
    assert.deepEqual(kernels(asked), []);
  });

  it("are left alone where they are small, alone, broadcast, in float32, predicted or for others", () => {
    const plain = (x: tf.Tensor, y: tf.Tensor) => tf.relu(tf.add(x, y));
    assert.equal(kernels(plain).length, 1);
    assert.deepEqual(kernels(plain, { shape: [4, 8] }), []);
    assert.deepEqual(
      kernels((x) => tf.relu(x)),
      [],
    );
    assert.deepEqual(
      kernels((x, y) => tf.relu(tf.mul(x, tf.mean(y, [1, 2], true)))),
      [],
    );
    assert.deepEqual(kernels(plain, { precision: "float32" }), []);
    assert.deepEqual(kernels(plain, { learns: false }), []);
    assert.deepEqual(kernels(plain, { portable: true }), []);
  });

  it("give the numbers that their ops give one by one, and gradients", () => {
    const { numTensors } = tf.memory();
    tf.tidy(() => {
      const weight = tf.variable(fixed([3, 3, 8, 8], [-0.2, 0.2], 3)) as tf.Variable<tf.Rank.R4>;
      const step = (x: tf.Tensor) => {
        // A residual block: the sum and its ReLU, and in its gradient a sum and a ReLU's gradient.
        const block = (y: tf.Tensor) =>
          tf.relu(tf.add(tf.conv2d(y as tf.Tensor4D, weight, 1, "same"), y));
        const loss = () => tf.mean(tf.square(block(block(x)))) as tf.Scalar;
        const { value, grads } = tf.variableGrads(loss, [weight]);
        const gradient = grads[weight.name];
        weight.assign(tf.sub(weight, tf.mul(gradient, 0)));
        return [value, gradient];
      };
      const x = fixed([8, 32, 32, 8], [-1, 1], 4);
      const [plain, low] = (["float32", "mixed_bfloat16"] as const).map((precision) => {
        const compiled = compile({ step }, { variables: [weight], precision });
        const results = (compiled.call.step(x) as tf.Tensor[]).map((y) => Array.from(y.dataSync()));
        compiled.dispose();
        return results;
      });
      weight.dispose();
      for (const [i, list] of plain.entries()) {
        const most = 0.02 * Math.max(...list.map(Math.abs));
        const wrong = list.findIndex((value, k) => !(Math.abs(low[i][k] - value) <= most));
        assert.equal(wrong, -1, `result ${i}: ${low[i][wrong]} for ${list[wrong]}`);
      }
    });
    assert.equal(tf.memory().numTensors, numTensors);
  });
});
