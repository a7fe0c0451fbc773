import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { conv2d } from "#lib/engine/ops";
import {
  FILTER_GRADIENT,
  hasFilterGradientKernel,
} from "#lib/engine/tensorflow/filter-gradient-op";
import { applyPasses } from "#lib/engine/tensorflow/passes/registry";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../../cases";
import { withOwnKernel } from "../../support";
import { assertNearPlain, filterOf, handlesOf } from "../support";

/** Convolutions that the kernel takes, one of them of one place, and others: of three channels, in groups. */
function makeNet() {
  const filters = [
    filterOf(3, 3, 32, 1),
    filterOf(3, 32, 64, 2),
    filterOf(3, 64, 32, 3),
    filterOf(1, 32, 32, 4),
    filterOf(3, 16, 32, 5),
  ];
  const predict = (x: tf.Tensor) => {
    const [stem, wide, same, point, groups] = filters;
    const y = conv2d(x as tf.Tensor4D, stem, 1, 1);
    const z = conv2d(conv2d(y, wide, 2, 1), same, 1, 1);
    return conv2d(conv2d(z, point, 1, 0), groups, 1, 1);
  };
  const learn = (x: tf.Tensor) => {
    const loss = () => tf.mean(tf.square(predict(x))) as tf.Scalar;
    const { value, grads } = tf.variableGrads(loss, filters);
    return [value, ...filters.map(({ name }) => grads[name])];
  };
  return { variables: filters, learn };
}

describe("the kernel of filters' gradients in graphs", () => {
  withOwnKernel(hasFilterGradientKernel);

  it("gives the gradients that the plain graph gives", () => {
    tf.tidy(() => {
      const { variables, learn } = makeNet();
      const x = fixed([4, 17, 14, 3], [-1, 1], 6);
      const compiled = compile({ learn }, { variables, precision: "mixed_bfloat16" });
      assertNearPlain(compiled.call.learn, learn, x, 0.03, "learn");
      compiled.dispose();
      tf.dispose(variables);
    });
  });

  it("is there for channels that fill tiles, in bfloat16, and its result is not rounded", () => {
    tf.tidy(() => {
      const { variables, learn } = makeNet();
      const handles = handlesOf(variables);
      const counts = (target: Partial<Parameters<typeof applyPasses>[1]> = {}) => {
        const given = { precision: "mixed_bfloat16", portable: false, ...target } as const;
        const traced = traceFunction("f", learn, [fixed([4, 17, 14, 3])], handles, given);
        const { nodes } = applyPasses(traced, given);
        const kernels = nodes.filter(({ op }) => op === FILTER_GRADIENT);
        const cast = nodes.filter(
          ({ op, inputs }) => op === "Cast" && kernels.includes(inputs[0]?.node),
        );
        const plain = nodes.filter(({ op }) => op === "Conv2DBackpropFilter");
        return [kernels.length, cast.length, plain.length];
      };
      assert.deepEqual(counts(), [3, 0, 2]);
      assert.deepEqual(counts({ precision: "float32" }), [0, 0, 4]);
      assert.deepEqual(counts({ portable: true }), [0, 0, 5]);
      tf.dispose(variables);
    });
  });
});
