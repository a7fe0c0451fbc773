import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, hasOneDnn } from "../native";
import { coresOf, fused, tracedOp } from "../trace";
import { differentiable } from "./differentiable";
import { sumOverColumns, sumOverRows } from "./linear";

/** The ops of `setup/native/layer-norm.cc`. */
export const LAYER_NORM = "TuningForkLayerNorm";
export const LAYER_NORM_GRADIENT = "TuningForkLayerNormGradient";

/**
 * Layer normalization over the last dimension (Ba et al. 2016, arXiv:1607.06450).
 *
 * @param x float32 [..., features]
 * @param scale float32 [features]; offset alike
 */
export function layerNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor,
  offset: tf.Tensor,
  epsilon: number,
): T {
  return differentiable<T>(
    [x, scale, offset],
    (save) => {
      save([x, scale]);
      return (
        ownOp(LAYER_NORM, epsilon, [x, scale, offset], [x])?.[0] ??
        tracedLayerNorm(x, scale, offset, epsilon) ??
        composedLayerNorm(x, scale, offset, epsilon)
      );
    },
    (dy, [x0, g]) => {
      const own = ownOp(LAYER_NORM_GRADIENT, epsilon, [x0, dy, g], [x0, g, g]);
      if (own !== undefined) return own;
      const features = x0.shape[x0.rank - 1];
      const { mean, inverse } = statistics(x0, epsilon);
      const normalized = () => tf.mul(tf.sub(x0, mean), inverse);
      const along = fused(() => tf.mul(dy, normalized()));
      // With n for the normalized x: dx = inverse (g dy − mean(g dy) − n mean(g dy n)).
      const [level, slope] = [dy, along].map((x) => tf.div(sumOverColumns(x, g), features));
      const dx = fused(() => {
        const rest = tf.sub(tf.sub(tf.mul(dy, g), level), tf.mul(normalized(), slope));
        return tf.mul(rest, inverse);
      });
      return [dx, () => sumOverRows(along), () => sumOverRows(dy)];
    },
    true,
  );
}

/** TensorFlow's one op for it, which is for graphs on oneDNN only. */
function tracedLayerNorm(
  x: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
  epsilon: number,
): tf.Tensor | undefined {
  if (!hasOneDnn()) return undefined;
  const attributes = [attribute.type("T", DT.float32), attribute.float("epsilon", epsilon)];
  const rows = tf.reshape(x, [-1, x.shape[x.rank - 1]]);
  const type = { shape: rows.shape, dtype: DT.float32 };
  const y = tracedOp("_MklLayerNorm", attributes, [rows, scale, offset], [type])?.[0];
  return y && tf.reshape(y, x.shape);
}

/** By a kernel of our own, where there is one: results are like these tensors. */
function ownOp(op: string, epsilon: number, inputs: tf.Tensor[], like: tf.Tensor[]) {
  const cores = coresOf(op);
  if (cores === undefined) return undefined;
  const attributes = [
    attribute.type("T", DT.float32),
    attribute.float("epsilon", epsilon),
    attribute.int("threads", cores),
  ];
  const outputs = like.map(({ shape }) => ({ shape, dtype: DT.float32 }));
  return tracedOp(op, attributes, inputs, outputs);
}

function composedLayerNorm(
  x: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
  epsilon: number,
): tf.Tensor {
  const { mean, inverse } = statistics(x, epsilon);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), inverse), scale), offset);
}

function statistics(x: tf.Tensor, epsilon: number) {
  const mean = tf.mean(x, -1, true);
  const variance = tf.mean(
    fused(() => tf.square(tf.sub(x, mean))),
    -1,
    true,
  );
  return { mean, inverse: tf.rsqrt(tf.add(variance, epsilon)) };
}
