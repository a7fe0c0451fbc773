import * as tf from "@tensorflow/tfjs-core";
import { fused } from "../trace";
import { differentiable } from "./differentiable";

/**
 * Sigmoid linear unit, x σ(x), also called swish (Elfwing et al. 2017, arXiv:1702.03118).
 *
 * Only `x` is kept for the gradient.
 */
export function silu<T extends tf.Tensor>(x: T): T {
  return differentiable<T>(
    [x],
    (save) => {
      save([x]);
      return fused(() => tf.mul(x, tf.sigmoid(x)));
    },
    (dy, [x0]) => [
      fused(() => {
        const gate = tf.sigmoid(x0);
        // σ (1 + x (1 − σ))
        return tf.mul(dy, tf.mul(gate, tf.add(tf.mul(x0, tf.sub(1, gate)), 1)));
      }),
    ],
    true,
  );
}
