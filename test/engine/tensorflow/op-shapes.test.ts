import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type { TensorFunction } from "#lib/engine/compile";
import { batchNorm } from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";
import { makeNode } from "#lib/engine/tensorflow/graph";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { cases, fixed, inputsOf, valueAndGradients } from "../cases";

/** Traces once with shapes from the rules and once with every op computed. */
function compare(fn: TensorFunction, inputs: tf.Tensor[], variables: tf.Variable[] = []) {
  const handles = new Map(
    variables.map((variable, i) => [
      variable,
      makeNode(`variable${i}`, "VarHandleOp", { outputs: [{ shape: variable.shape, dtype: 1 }] }),
    ]),
  );
  const [inferred, computed] = [true, false].map((infer) =>
    traceFunction("fn", fn, inputs, handles, { infer }).nodes.map(({ op, outputs }) => [
      op,
      // The rest is what kernels keep for themselves, as each likes.
      op.startsWith("FusedBatchNorm") ? outputs.slice(0, 3) : outputs,
    ]),
  );
  assert.deepEqual(inferred, computed);
}

describe("shapes", () => {
  before(() => startEngine());

  for (const test of cases) {
    it(`${test.name}: inferred as computed`, () => {
      tf.tidy(() => compare(valueAndGradients(test), inputsOf(test)));
    });
  }

  for (const training of [true, false]) {
    it(`batch norm, training ${training}: inferred as computed`, () => {
      const running = [tf.variable(tf.zeros([4])), tf.variable(tf.ones([4]))];
      const [mean, variance] = running;
      const fn: TensorFunction = (x, g, b) =>
        tf.grads((...[y, h, c]: tf.Tensor[]) => {
          const options = { training, momentum: 0.1, epsilon: 1e-5 };
          return tf.sum(batchNorm(y as tf.Tensor4D, h, c, mean, variance, options));
        })([x, g, b]);
      compare(fn, [fixed([2, 3, 3, 4]), fixed([4]), fixed([4])], running);
      tf.dispose(running);
    });
  }
});
