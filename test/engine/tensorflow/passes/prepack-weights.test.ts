import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { batchNorm, conv2d, linear } from "#lib/engine/ops";
import { type Precision, startEngine } from "#lib/engine/start";
import type { Trace } from "#lib/engine/tensorflow/function-trace";
import { type GraphNode, makeNode } from "#lib/engine/tensorflow/graph";
import { foldBatchNorm } from "#lib/engine/tensorflow/passes/fold-batch-norm";
import { prepackWeights } from "#lib/engine/tensorflow/passes/prepack-weights";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../../cases";

/** A net whose prediction folds a norm and transposes weights, and a step that changes all of them. */
function makeNet() {
  const filter = tf.variable(fixed([3, 3, 3, 8], [-1, 1], 1));
  const weight = tf.variable(fixed([5, 8], [-1, 1], 2));
  const bias = tf.variable(fixed([5], [-1, 1], 3));
  const [scale, offset, mean] = [4, 5, 6].map((salt) => tf.variable(fixed([8], [0.5, 1], salt)));
  const variance = tf.variable(fixed([8], [1, 2], 7));
  const variables = [filter, weight, bias, scale, offset, mean, variance];
  const predict = (x: tf.Tensor) => {
    const image = conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 1);
    const options = { training: false, momentum: 0.1, epsilon: 1e-5 };
    const normed = batchNorm(image, scale, offset, mean, variance, options);
    const pooled = tf.mean(tf.relu(normed), [1, 2]);
    return linear(pooled, weight as tf.Tensor2D, bias as tf.Tensor1D);
  };
  const step = (by: tf.Tensor) => {
    for (const variable of variables) variable.assign(tf.mul(variable, by));
    return tf.clone(by);
  };
  return { variables, weight, predict, step };
}

describe("prepacked weights", () => {
  before(() => startEngine());

  for (const precision of ["float32", "mixed_bfloat16"] as Precision[]) {
    it(`${precision}: predicts by the weights as they are, whatever changes them`, () => {
      const { numTensors } = tf.memory();
      tf.tidy(() => {
        const { variables, weight, predict, step } = makeNet();
        const compiled = compile({ predict, step }, { variables, precision });
        const x = fixed([2, 6, 6, 3]);
        const check = (when: string) => {
          const got = compiled.call.predict(x) as tf.Tensor;
          compiled.pull();
          const expected = predict(x);
          const error = tf.max(tf.abs(tf.sub(got, expected))).dataSync()[0];
          const largest = tf.max(tf.abs(expected)).dataSync()[0];
          const most = precision === "float32" ? 1e-5 : 0.03;
          assert.ok(error <= most * largest, `${when}: off by ${error} of ${largest}`);
        };
        check("at first");
        check("again");
        compiled.call.step(tf.scalar(0.5));
        check("after a step");
        compiled.call.step(tf.scalar(1.7));
        compiled.call.step(tf.scalar(1.1));
        check("after two steps");
        weight.assign(tf.mul(weight, -3));
        check("after an assignment");
        compiled.call.step(tf.scalar(0.9));
        compiled.call.predict(tf.concat([x, x]));
        check("after another signature");
        compiled.dispose();
        tf.dispose(variables);
      });
      assert.equal(tf.memory().numTensors, numTensors, "tensors left over");
    });
  }

  /** The trace of a prediction for this many images. */
  function traced(net: ReturnType<typeof makeNet>, images: number): Trace {
    const handles = new Map(
      net.variables.map((variable, i) => [variable, makeNode(`v${i}`, "VarHandleOp", {})]),
    );
    const target = { precision: "float32", portable: false } as const;
    const traced = traceFunction("predict", net.predict, [fixed([images, 6, 6, 3])], handles);
    return prepackWeights.run(foldBatchNorm.run(traced, target), target);
  }

  it("keeps one copy of the weights, whatever the batch", () => {
    tf.tidy(() => {
      const net = makeNet();
      const [few, many] = [2, 7].map((images) =>
        (traced(net, images).prepack ?? []).map(({ inputs }) => inputs[0].node.name),
      );
      assert.equal(new Set(few).size, few.length);
      assert.ok(few.length >= 3, "the filter, its shift and the linear weight");
      assert.deepEqual(few, many);
      tf.dispose(net.variables);
    });
  });

  it("leaves transposing weights out of a call", () => {
    tf.tidy(() => {
      const net = makeNet();
      const trace = traced(net, 2);
      const needed = new Set<GraphNode>();
      const visit = (node: GraphNode): void => {
        if (needed.has(node)) return;
        needed.add(node);
        for (const { node: source } of node.inputs) visit(source);
      };
      for (const { node } of trace.outputs) visit(node);
      const product = [...needed].find(({ op }) => op === "MatMul");
      assert.match(product?.inputs[1].node.inputs[0].node.name ?? "", /^prepacked/);
      const turned = product?.attributes.find(({ name }) => name === "transpose_b");
      assert.equal(turned?.value, false);
      tf.dispose(net.variables);
    });
  });
});
