import * as tf from "@tensorflow/tfjs-core";
import { fused } from "../trace";
import { differentiable } from "./differentiable";

/**
 * min(max(x, 0), 6), as networks for phones have it (Howard et al. 2017, arXiv:1704.04861).
 *
 * Only the result is kept for the gradient.
 */
export function relu6<T extends tf.Tensor>(x: T): T {
  return differentiable<T>(
    [x],
    (save) => {
      const y = fused(() => tf.minimum(tf.maximum(x, 0), 6)) as T;
      save([y]);
      return y;
    },
    (dy, [y]) => [
      fused(() => {
        const [rises, below] = [tf.greater(y, 0), tf.less(y, 6)];
        return tf.mul(dy, tf.mul(tf.cast(rises, "float32"), tf.cast(below, "float32")));
      }),
    ],
  );
}
