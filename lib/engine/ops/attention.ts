import * as tf from "@tensorflow/tfjs-core";
import { fused } from "../trace";
import { differentiable } from "./differentiable";
import { type Drop, dropped } from "./dropout";

/**
 * Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762): softmax(s q kᵀ) v, the heads
 * side by side again.
 *
 * @param q float32 [batch, heads, queries, d]
 * @param k float32 [batch, heads, keys, d]; v alike
 * @param scale s; usually 1 / √d
 * @param drop Dropout of the softmax.
 * @returns float32 [batch, queries, heads × d]
 */
export function attention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  scale: number,
  drop?: Drop,
): tf.Tensor3D {
  const [batch, heads, queries, d] = q.shape;
  const apart: [number, number, number, number] = [batch, queries, heads, d];
  return differentiable<tf.Tensor3D>(
    [q, k, v],
    (save) => {
      const w = tf.softmax(tf.matMul(tf.mul(q, scale), k, false, true));
      const y = joinHeads(tf.matMul(drop ? fused(() => dropped(w, drop)) : w, v));
      save([q, k, v, w, y, ...(drop ? [drop.seed] : [])]);
      return y;
    },
    (dy, [q0, k0, v0, w, y, seed]) => {
      const again = drop && { ...drop, seed };
      const dValues = tf.transpose(tf.reshape(dy, apart), [0, 2, 1, 3]);
      const dw = tf.matMul(dValues, v0, false, true);
      // Σ dw w over the keys is Σ dy y over d, of fewer terms (Dao et al. 2022, arXiv:2205.14135, B.2).
      const sums = tf.sum(tf.reshape(tf.mul(dy, y), apart), -1, true);
      const level = tf.transpose(sums, [0, 2, 1, 3]);
      const ds = fused(() => tf.mul(w, tf.sub(again ? dropped(dw, again) : dw, level)));
      const weights = again ? fused(() => dropped(w, again)) : w;
      return [
        tf.mul(tf.matMul(ds, k0), scale),
        tf.matMul(ds, tf.mul(q0, scale), true, false),
        tf.matMul(weights, dValues, true, false),
      ];
    },
    true,
  );
}

/** [batch, heads, tokens, d] → [batch, tokens, heads × d] */
export function joinHeads(x: tf.Tensor4D): tf.Tensor3D {
  const [batch, heads, tokens, d] = x.shape;
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, tokens, heads * d]);
}

/** [batch, tokens, parts × heads × d] → one [batch, heads, tokens, d] for each part. */
export function splitHeads(x: tf.Tensor3D, parts: number, heads: number): tf.Tensor4D[] {
  const [batch, tokens, width] = x.shape;
  const d = width / parts / heads;
  if (parts === 1) return [tf.transpose(tf.reshape(x, [batch, tokens, heads, d]), [0, 2, 1, 3])];
  const inOrder = tf.transpose(tf.reshape(x, [batch, tokens, parts, heads, d]), [2, 0, 3, 1, 4]);
  // The parts lie one after another now, so that splitting copies nothing.
  return tf
    .split(inOrder, parts, 0)
    .map((part): tf.Tensor4D => tf.reshape(part, [batch, heads, tokens, d]));
}
