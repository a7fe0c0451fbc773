import * as tf from "@tensorflow/tfjs-core";
import { fused, isMixed } from "../trace";
import { differentiable } from "./differentiable";

/**
 * min(max(x, 0), 6), as networks for phones have it (Howard et al. 2017, arXiv:1704.04861).
 *
 * Only the result is kept for the gradient.
 */
export function relu6<T extends tf.Tensor>(x: T): T {
  // TensorFlow's own kernel takes one number after another in bfloat16, and sixteen in float32.
  if (!isMixed()) return tf.relu6(x);
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
