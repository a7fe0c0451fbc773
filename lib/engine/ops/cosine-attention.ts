import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "../native";
import { coresOf, fused, tracedOp } from "../trace";
import { joinHeads, splitHeads } from "./attention";
import { differentiable } from "./differentiable";
import { sumOverColumns, sumOverRows } from "./linear";

/** The ops of `setup/native/cosine-attention.cc`. */
export const COSINE_ATTENTION = "TuningForkCosineAttention";
export const COSINE_ATTENTION_GRADIENT = "TuningForkCosineAttentionGradient";

/** Below this squared length a vector counts as zero. */
const SHORTEST = 1e-24;

/**
 * Cosine attention (Liu et al. 2022, arXiv:2111.09883, equation 2): softmax(s cos(q, k) + b) v, the
 * heads side by side again.
 *
 * @param qkv Queries, keys and values side by side, float32 [batch, tokens, 3 × heads × d]
 * @param sharpness s, one over the paper's τ; float32 [heads, 1, 1]
 * @param bias b, float32 [heads, tokens, tokens]
 * @param mask Added to b for each window; float32 [windows, 1, tokens, tokens], where the windows of
 * an image follow each other in the batch. Not differentiated.
 * @returns float32 [batch, tokens, heads × d]
 */
export function cosineAttention(
  qkv: tf.Tensor3D,
  sharpness: tf.Tensor,
  bias: tf.Tensor3D,
  mask?: tf.Tensor4D,
): tf.Tensor3D {
  const cores = coresOf(COSINE_ATTENTION);
  if (cores !== undefined) return oneOp(qkv, sharpness, bias, mask, cores);
  const [q, k, v] = splitHeads(qkv, 3, bias.shape[0]);
  return ofHeads(q, k, v, sharpness, bias, mask);
}

/** By kernels of our own: one op forward, one for the gradients. */
function oneOp(
  qkv: tf.Tensor3D,
  sharpness: tf.Tensor,
  bias: tf.Tensor3D,
  mask: tf.Tensor4D | undefined,
  cores: number,
): tf.Tensor3D {
  const [batch, tokens, width] = qkv.shape;
  const call = (op: string, inputs: tf.Tensor[], results: readonly (readonly number[])[]) => {
    const attributes = [
      attribute.type("T", DT.float32),
      attribute.types("M", mask === undefined ? [] : [DT.float32]),
      attribute.int("heads", bias.shape[0]),
      attribute.int("threads", cores),
      attribute.float("shortest", SHORTEST),
    ];
    const outputs = results.map((shape) => ({ shape, dtype: DT.float32 }));
    return tracedOp(op, attributes, inputs, outputs) as tf.Tensor[];
  };
  return differentiable<tf.Tensor3D>(
    [qkv, sharpness, bias],
    (save) => {
      const given = [sharpness, bias, ...(mask === undefined ? [] : [mask])];
      save([qkv, ...given]);
      const result = [batch, tokens, width / 3];
      return call(COSINE_ATTENTION, [qkv, ...given], [result])[0];
    },
    (dy, [x, ...given]) => {
      const results = [x.shape, [bias.shape[0]], bias.shape];
      const [dx, ds, db] = call(COSINE_ATTENTION_GRADIENT, [x, dy, ...given], results);
      return [dx, tf.reshape(ds, sharpness.shape), db];
    },
  );
}

/** The same of ops that every engine has, of `q`, `k` and `v` float32 [batch, heads, tokens, d]. */
function ofHeads(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  sharpness: tf.Tensor,
  bias: tf.Tensor3D,
  mask?: tf.Tensor4D,
): tf.Tensor3D {
  const [batch, heads, tokens, d] = q.shape;
  const apart: [number, number, number, number] = [batch, tokens, heads, d];
  return differentiable<tf.Tensor3D>(
    [q, k, v, sharpness, bias],
    (save) => {
      const [rq, rk] = [inverseLength(q), inverseLength(k)];
      const [sharpQ, unitK] = directions(q, k, rq, rk, sharpness);
      const cosines = tf.matMul(sharpQ, unitK, false, true);
      const scores = fused(() => {
        const sums = tf.add(cosines, bias);
        if (mask === undefined) return sums;
        const ofImages = [-1, mask.shape[0], heads, tokens, tokens];
        return tf.reshape(tf.add(tf.reshape(sums, ofImages), mask), sums.shape);
      });
      const w = tf.softmax(scores);
      const y = joinHeads(tf.matMul(w, v) as tf.Tensor4D);
      save([q, k, v, sharpness, rq, rk, w, y]);
      return y;
    },
    (dy, [q0, k0, v0, sharp, rq, rk, w, y]) => {
      const [sharpQ, unitK] = directions(q0, k0, rq, rk, sharp);
      const dValues = tf.transpose(tf.reshape(dy, apart), [0, 2, 1, 3]);
      const dw = tf.matMul(dValues, v0, false, true);
      // As in attention().
      const sums = sumOverColumns(
        tf.reshape(
          fused(() => tf.mul(dy, y)),
          apart,
        ),
      );
      const level = tf.transpose(sums, [0, 2, 1, 3]);
      const ds = fused(() => tf.mul(w, tf.sub(dw, level)));
      const dSharpQ = tf.matMul(ds, unitK);
      const dUnitK = tf.matMul(ds, sharpQ, true, false);
      // For u = x / |x|: dx = (du − u (u · du)) / |x|.
      const alongQ = sumOverColumns(fused(() => tf.mul(dSharpQ, tf.mul(q0, rq))));
      const alongK = sumOverColumns(fused(() => tf.mul(dUnitK, tf.mul(k0, rk))));
      return [
        fused(() => {
          const across = tf.sub(dSharpQ, tf.mul(tf.mul(q0, rq), alongQ));
          return tf.mul(across, tf.mul(sharp, rq));
        }),
        fused(() => tf.mul(tf.sub(dUnitK, tf.mul(tf.mul(k0, rk), alongK)), rk)),
        tf.matMul(w, dValues, true, false),
        tf.reshape(tf.sum(alongQ, [0, 2, 3]), sharp.shape),
        tf.reshape(sumOverRows(tf.reshape(ds, [batch, heads * tokens * tokens])), bias.shape),
      ];
    },
    true,
  );
}

/** s q / |q| and k / |k|. */
function directions(
  q: tf.Tensor,
  k: tf.Tensor,
  rq: tf.Tensor,
  rk: tf.Tensor,
  sharpness: tf.Tensor,
): [tf.Tensor, tf.Tensor] {
  return [fused(() => tf.mul(q, tf.mul(rq, sharpness))), fused(() => tf.mul(k, rk))];
}

/** 1 / |x| along the last dimension, which is kept with length 1. */
export function inverseLength(x: tf.Tensor): tf.Tensor {
  const squares = fused(() => tf.square(x));
  return tf.rsqrt(tf.maximum(tf.sum(squares, -1, true), SHORTEST));
}
