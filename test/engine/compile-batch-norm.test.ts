import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type { TensorFunction } from "#lib/engine/compile";
import { batchNorm } from "#lib/engine/ops";
import { fixed } from "./cases";
import { compiler, values } from "./support";

describe("batch norm, compiled", () => {
  const make = compiler();

  it("keeps batch norm's running statistics in the graph", () => {
    const [mean, variance] = [tf.variable(tf.zeros([2])), tf.variable(tf.ones([2]))];
    const options = { training: true, momentum: 0.5, epsilon: 1e-5 };
    const x = tf.tensor4d([1, 10, 3, 10, 5, 10, 7, 14], [1, 2, 2, 2]);
    const { call, pull } = make(
      (images) =>
        batchNorm(images as tf.Tensor4D, tf.ones([2]), tf.zeros([2]), mean, variance, options),
      [mean, variance],
    );
    call.fn(x);
    pull();
    // Means 4 and 11; unbiased variances 20/3 and 4.
    assert.deepEqual(values(mean), [2, 5.5]);
    assert.ok(Math.abs(values(variance)[0] - (1 + 20 / 3) / 2) < 1e-5);
    assert.ok(Math.abs(values(variance)[1] - 2.5) < 1e-5);
    call.fn(x);
    pull();
    assert.deepEqual(values(mean), [3, 8.25]);
  });

  it("normalizes a batch of 24 channels, which has a way of its own, as the eager engine", () => {
    tf.tidy(() => {
      const shape = [3, 36, 40, 24];
      const x = tf.add(fixed(shape), tf.mul(fixed([24], [-5, 5], 1), 2));
      const [scale, offset] = [fixed([24], [0.5, 2], 2), fixed([24], [-1, 1], 3)];
      const options = { training: true, momentum: 0.3, epsilon: 1e-5 };
      const way = () => {
        const running = [tf.variable(tf.zeros([24])), tf.variable(tf.ones([24]))];
        const fn: TensorFunction = (...inputs) => {
          const normed = (...[y, g, b]: tf.Tensor[]) =>
            batchNorm(y as tf.Tensor4D, g, b, running[0], running[1], options);
          const loss = (...ys: tf.Tensor[]) =>
            tf.sum(tf.mul(tf.square(normed(...ys)), fixed(shape, [-1, 1], 4)));
          const { value, grads } = tf.valueAndGrads(loss as (...ys: tf.Tensor[]) => tf.Scalar)(
            inputs,
          );
          return [value, ...grads];
        };
        return { running, fn };
      };
      const [eager, compiled] = [way(), way()];
      const { call, pull } = make(compiled.fn, compiled.running);
      const got = [...(call.fn(x, scale, offset) as tf.Tensor[])];
      pull();
      const expected = eager.fn(x, scale, offset) as tf.Tensor[];
      [...got, ...compiled.running].forEach((tensor, i) => {
        const want = [...expected, ...eager.running][i];
        const largest = tf.max(tf.abs(want)).dataSync()[0];
        const error = tf.max(tf.abs(tf.sub(tensor, want))).dataSync()[0];
        assert.ok(error <= 2e-5 * largest, `result ${i}: off by ${error} of ${largest}`);
      });
      tf.dispose([...eager.running, ...compiled.running]);
    });
  });
});
