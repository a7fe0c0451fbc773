import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { conv2d } from "#lib/engine/ops";
import { GATE, hasGateKernel } from "#lib/engine/tensorflow/gate-op";
import { applyPasses } from "#lib/engine/tensorflow/passes/registry";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../../cases";
import { withOwnKernel } from "../../support";
import { assertNearPlain, handlesOf } from "../support";

const SHAPE = [3, 6, 5, 40];

/** Convolutions with a gate between, as squeeze-and-excitation has it, and products of other shapes. */
function makeNet() {
  const filter = tf.variable(fixed([1, 1, 40, 40], [-1, 1], 1)) as tf.Variable<tf.Rank.R4>;
  const convolved = (x: tf.Tensor) => conv2d(x as tf.Tensor4D, filter, 1, 0);
  const predict = (x: tf.Tensor) => {
    const y = convolved(x);
    const gate = convolved(tf.mean(y, [1, 2], true));
    return convolved(tf.mul(tf.mul(tf.sigmoid(gate), y), gate));
  };
  const others = (x: tf.Tensor) => {
    const y = convolved(x);
    const rows = tf.slice(y, [0, 0, 0, 0], [-1, 1, -1, -1]);
    const first = tf.slice(y, [0, 0, 0, 0], [1, 1, 1, -1]);
    return convolved(tf.mul(tf.mul(y, rows), tf.mul(first, tf.mul(y, y))));
  };
  const learn = (x: tf.Tensor) => {
    const loss = () => tf.mean(tf.square(predict(x))) as tf.Scalar;
    const { value, grads } = tf.variableGrads(loss, [filter]);
    return [value, grads[filter.name]];
  };
  return { variables: [filter], predict, others, learn };
}

describe("the kernel of gates in graphs", () => {
  withOwnKernel(hasGateKernel);

  it("gives what the plain graph gives, in predictions and gradients", () => {
    tf.tidy(() => {
      const { variables, ...functions } = makeNet();
      const x = fixed(SHAPE, [-1, 1], 2);
      const compiled = compile(functions, { variables, precision: "mixed_bfloat16" });
      for (const name of ["predict", "others", "learn"] as const)
        assertNearPlain(compiled.call[name], functions[name], x, 0.05, name);
      compiled.dispose();
      tf.dispose(variables);
    });
  });

  it("is there for numbers of channels in bfloat16, and for nothing else", () => {
    tf.tidy(() => {
      const { variables, predict, others, learn } = makeNet();
      const handles = handlesOf(variables);
      const kernels = (
        fn: (x: tf.Tensor) => tf.Tensor | tf.Tensor[],
        target: Partial<Parameters<typeof applyPasses>[1]> = {},
      ) => {
        const traced = traceFunction("f", fn as never, [fixed(SHAPE)], handles);
        const given = { precision: "mixed_bfloat16", portable: false, ...target } as const;
        return applyPasses(traced, given).nodes.filter(({ op }) => op === GATE).length;
      };
      assert.equal(kernels(predict), 2);
      // Their gradients by the image are products by the gate, too.
      assert.equal(kernels(learn), 4);
      assert.equal(kernels(others), 0);
      assert.equal(kernels(predict, { precision: "float32" }), 0);
      assert.equal(kernels(predict, { portable: true }), 0);
      tf.dispose(variables);
    });
  });
});
