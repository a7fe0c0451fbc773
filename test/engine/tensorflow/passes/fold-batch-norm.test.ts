import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { addBias, batchNorm, conv2d, depthwiseConv2d } from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";
import { foldBatchNorm } from "#lib/engine/tensorflow/passes/fold-batch-norm";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../../cases";

describe("foldBatchNorm", () => {
  before(() => startEngine());

  const statistics = () => [
    tf.variable(fixed([4], [-1, 1], 5), false),
    tf.variable(fixed([4], [0.5, 2], 6), false),
  ];
  const norm = (x: tf.Tensor4D, [mean, variance]: tf.Variable[]) =>
    batchNorm(x, fixed([4], [0.5, 2], 7), fixed([4], [-1, 1], 8), mean, variance, {
      training: false,
      momentum: 0.1,
      epsilon: 1e-3,
    });
  const net = (running: tf.Variable[]) => (x: tf.Tensor) => {
    const y = tf.relu(
      norm(conv2d(x as tf.Tensor4D, fixed([3, 3, 3, 4]) as tf.Tensor4D, 1, 1), running),
    );
    const biased = addBias(
      conv2d(y, fixed([3, 3, 4, 4]) as tf.Tensor4D, 2, 1),
      fixed([4], [-3, 3], 9) as tf.Tensor1D,
    );
    const z = norm(biased as tf.Tensor4D, running);
    return norm(depthwiseConv2d(tf.add(z, z), fixed([3, 3, 4, 1]) as tf.Tensor4D, 2, 1), running);
  };

  it("predicts the same", () => {
    const running = statistics();
    const fn = net(running);
    const compiled = compile({ fn }, { variables: running });
    const x = fixed([2, 6, 6, 3]);
    const got = (compiled.call.fn(x) as tf.Tensor).dataSync();
    fn(x)
      .dataSync()
      .forEach((value, i) => {
        const error = Math.abs(got[i] - value) / Math.max(1, Math.abs(value));
        assert.ok(error < 1e-5, `${got[i]} for ${value}`);
      });
    compiled.dispose();
  });

  it("leaves alone what a gradient needs", () => {
    const constants = [1, 2].map((salt) => fixed([4], [0.5, 2], salt) as tf.Variable);
    const x = fixed([2, 6, 6, 3]);
    const count = (fn: (x: tf.Tensor) => tf.Tensor) => {
      const { nodes } = foldBatchNorm.run(traceFunction("fn", fn, [x], new Map()), {
        precision: "float32",
        portable: false,
      });
      return nodes.filter(({ op }) => op === "FusedBatchNormV3").length;
    };
    assert.equal(count(net(constants)), 0);
    assert.equal(count(tf.grad((y) => tf.sum(tf.square(net(constants)(y))))), 3);
  });
});
