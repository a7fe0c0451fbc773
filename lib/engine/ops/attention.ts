import * as tf from "@tensorflow/tfjs-core";
import { differentiable } from "./differentiable";

/**
 * Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762): softmax(s q kᵀ) v.
 *
 * @param q float32 [batch, heads, queries, d]
 * @param k float32 [batch, heads, keys, d]; v alike
 * @param scale s; usually 1 / √d
 * @returns the values, [batch, heads, queries, d], and the weights that made them,
 * [batch, heads, queries, keys], which are not differentiated.
 */
export function attention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  scale: number,
): { values: tf.Tensor4D; weights: tf.Tensor4D } {
  const noted: tf.Tensor[] = [];
  const values = differentiable<tf.Tensor4D>(
    [q, k, v],
    (save) => {
      const w = tf.softmax(tf.matMul(tf.mul(q, scale), k, false, true));
      save([q, k, v, w]);
      noted.push(tf.keep(tf.clone(w)));
      return tf.matMul(w, v);
    },
    (dy, [q0, k0, v0, w]) => {
      const dw = tf.matMul(dy, v0, false, true);
      const along = tf.mul(dw, w);
      const ds = tf.sub(along, tf.mul(w, tf.sum(along, -1, true)));
      return [
        tf.mul(tf.matMul(ds, k0), scale),
        tf.matMul(ds, tf.mul(q0, scale), true, false),
        tf.matMul(w, dy, true, false),
      ];
    },
    true,
  );
  // Made inside the gradient's own scope; a clone of it here belongs to the caller's.
  const weights = tf.clone(noted[0]) as tf.Tensor4D;
  noted[0].dispose();
  return { values, weights };
}
