import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { conv2d, silu } from "#lib/engine/ops";
import { applyPasses } from "#lib/engine/tensorflow/passes/registry";
import { hasSiluKernel } from "#lib/engine/tensorflow/silu-op";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fused } from "#lib/engine/trace";
import { fixed } from "../../cases";
import { withOwnKernel } from "../../support";
import { assertNearPlain, handlesOf } from "../support";

const SHAPE = [4, 34, 33, 16];

/** Convolutions with SiLU between, and what only looks like it. */
function makeNet() {
  const filter = tf.variable(fixed([1, 1, 16, 16], [-1, 1], 1)) as tf.Variable<tf.Rank.R4>;
  const convolved = (x: tf.Tensor) => conv2d(x as tf.Tensor4D, filter, 1, 0);
  const predict = (x: tf.Tensor) => convolved(silu(convolved(x)));
  const gated = (x: tf.Tensor) => {
    const [y, z] = [convolved(x), convolved(tf.neg(x))];
    return convolved(fused(() => tf.mul(y, tf.sigmoid(z))));
  };
  const learn = (x: tf.Tensor) => {
    const loss = () => tf.mean(tf.square(predict(x))) as tf.Scalar;
    const { value, grads } = tf.variableGrads(loss, [filter]);
    return [value, grads[filter.name]];
  };
  return { variables: [filter], predict, gated, learn };
}

describe("the kernel of SiLU in graphs", () => {
  withOwnKernel(hasSiluKernel);

  it("gives what the plain graph gives, in predictions and gradients", () => {
    tf.tidy(() => {
      const { variables, ...functions } = makeNet();
      const x = fixed(SHAPE, [-1, 1], 2);
      const compiled = compile(functions, { variables, precision: "mixed_bfloat16" });
      for (const name of ["predict", "gated", "learn"] as const)
        assertNearPlain(compiled.call[name], functions[name], x, 0.02, name);
      compiled.dispose();
      tf.dispose(variables);
    });
  });

  it("is there for SiLU and its gradient in bfloat16, and for nothing else", () => {
    tf.tidy(() => {
      const { variables, predict, gated, learn } = makeNet();
      const handles = handlesOf(variables);
      const kernels = (
        fn: (x: tf.Tensor) => tf.Tensor | tf.Tensor[],
        target: Partial<Parameters<typeof applyPasses>[1]> = {},
        shape = SHAPE,
      ) => {
        const traced = traceFunction("f", fn as never, [fixed(shape)], handles);
        const given = { precision: "mixed_bfloat16", portable: false, ...target } as const;
        const { nodes } = applyPasses(traced, given);
        return nodes.flatMap(({ op }) => (op.startsWith("TuningForkSilu") ? [op] : []));
      };
      assert.deepEqual(kernels(predict), ["TuningForkSilu"]);
      assert.deepEqual(kernels(learn), ["TuningForkSilu", "TuningForkSiluGradient"]);
      assert.deepEqual(kernels(gated), []);
      assert.deepEqual(kernels(predict, { precision: "float32" }), []);
      assert.deepEqual(kernels(learn, { portable: true }), []);
      tf.dispose(variables);
    });
  });
});
