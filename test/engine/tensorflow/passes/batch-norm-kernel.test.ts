import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { batchNorm, conv2d } from "#lib/engine/ops";
import type { Precision } from "#lib/engine/start";
import { hasBatchNormKernel } from "#lib/engine/tensorflow/batch-norm-op";
import { applyPasses } from "#lib/engine/tensorflow/passes/registry";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../../cases";
import { withOwnKernel } from "../../support";
import { assertNear, handlesOf } from "../support";

const CHANNELS = 24;
const SHAPE = [4, 19, 18, CHANNELS];

/** Batch norms with a ReLU behind them, with one that others read too, before a sum, and with nothing. */
function makeNet() {
  const filter = tf.variable(fixed([1, 1, CHANNELS, CHANNELS], [-1, 1], 1));
  const norms = Array.from({ length: 4 }, (_, i) => ({
    scale: tf.variable(fixed([CHANNELS], [0.5, 2], 4 * i + 2)),
    offset: tf.variable(fixed([CHANNELS], [-1, 1], 4 * i + 3)),
    mean: tf.variable(fixed([CHANNELS], [-1, 1], 4 * i + 4)),
    variance: tf.variable(fixed([CHANNELS], [0.5, 2], 4 * i + 5)),
  }));
  const predict = (x: tf.Tensor, training = false) => {
    const norm = (y: tf.Tensor, i: number) => {
      const { scale, offset, mean, variance } = norms[i];
      const convolved = conv2d(y as tf.Tensor4D, filter as tf.Variable<tf.Rank.R4>, 1, 0);
      const options = { training, momentum: 0.1, epsilon: 1e-3 };
      return batchNorm(convolved, scale, offset, mean, variance, options);
    };
    const first = tf.relu(norm(x, 0));
    const second = norm(first, 1);
    const sum = tf.relu(tf.add(tf.relu(second), tf.add(second, norm(first, 2))));
    return norm(sum, 3);
  };
  const learnt = [filter, ...norms.flatMap(({ scale, offset }) => [scale, offset])];
  const learn = (x: tf.Tensor) => {
    // A square's mean of what was normalized would be the same whatever came before.
    const loss = () => tf.mean(tf.mul(predict(x, true), tf.square(x))) as tf.Scalar;
    const { value, grads } = tf.variableGrads(loss, learnt);
    return [value, ...learnt.map(({ name }) => grads[name])];
  };
  const running = norms.flatMap(({ mean, variance }) => [mean, variance]);
  return {
    variables: [...learnt, ...running],
    running,
    learn,
    predict: (x: tf.Tensor) => predict(x),
  };
}

describe("the kernel of batch norm in graphs", () => {
  withOwnKernel(hasBatchNormKernel);

  /** Loss and gradients of one step, and the statistics after it, with passes off. */
  function step(precision: Precision, off: string): tf.Tensor[] {
    process.env.TUNING_FORK_DISABLE_PASSES = off;
    const { variables, running, learn } = makeNet();
    const compiled = compile({ learn }, { variables, precision });
    try {
      const learnt = compiled.call.learn(fixed(SHAPE, [-1, 1], 40)) as tf.Tensor[];
      compiled.pull();
      return [...learnt, ...running.map((variable) => tf.clone(variable))];
    } finally {
      compiled.dispose();
      tf.dispose(variables);
      delete process.env.TUNING_FORK_DISABLE_PASSES;
    }
  }

  for (const [precision, most] of [
    ["float32", 1e-5],
    ["mixed_bfloat16", 0.02],
  ] as const) {
    it(`gives gradients and statistics as TensorFlow's do: ${precision}`, () => {
      tf.tidy(() => {
        const [got, expected] = ["", "batch-norm-kernel"].map((off) => step(precision, off));
        assertNear(got, expected, most, "a step");
      });
    });
  }

  it("is there for training, takes a ReLU that alone reads it, and leaves frozen norms alone", () => {
    tf.tidy(() => {
      const { variables, learn, predict } = makeNet();
      const handles = handlesOf(variables);
      const ops = (
        fn: (x: tf.Tensor) => tf.Tensor | tf.Tensor[],
        target: Partial<Parameters<typeof applyPasses>[1]> = {},
      ) => {
        const traced = traceFunction("f", fn as never, [fixed(SHAPE)], handles);
        const given = { precision: "float32", portable: false, ...target } as const;
        return applyPasses(traced, given).nodes;
      };
      const named = (nodes: ReturnType<typeof ops>, name: string) =>
        nodes
          .filter(({ op }) => op === name)
          .map(({ attributes }) => attributes.find((one) => one.name === "relu")?.value);
      const nodes = ops(learn);
      assert.deepEqual(named(nodes, "TuningForkBatchNorm"), [true, false, false, false]);
      assert.deepEqual(named(nodes, "TuningForkBatchNormGradient").filter(Boolean), [true]);
      assert.equal(named(nodes, "TuningForkBatchNormGradient").length, 4);
      for (const fn of [() => ops(predict), () => ops(learn, { portable: true })])
        assert.deepEqual(named(fn(), "TuningForkBatchNorm"), []);
      tf.dispose(variables);
    });
  });
});
