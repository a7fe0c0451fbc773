import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, hasOneDnn, nativeBackend, nativeOp } from "../native";
import { fused, recordedOp } from "../recorder";
import { differentiable } from "./differentiable";
import { sumOverColumns, sumOverRows } from "./linear";

export interface BatchNormOptions {
  /** Normalise by the batch and move the running statistics, or by the running statistics. */
  readonly training: boolean;
  /** The share of the new value in the running statistics, as in PyTorch. */
  readonly momentum: number;
  readonly epsilon: number;
}

/**
 * Batch normalisation over all but the last dimension (Ioffe & Szegedy 2015, arXiv:1502.03167).
 *
 * In training the running statistics are assigned their new values; the running variance takes the
 * unbiased one, as PyTorch's does.
 *
 * @param x float32 [batch, height, width, channels]
 * @param scale float32 [channels]; offset, runningMean and runningVariance alike
 */
export function batchNorm(
  x: tf.Tensor4D,
  scale: tf.Tensor,
  offset: tf.Tensor,
  runningMean: tf.Variable,
  runningVariance: tf.Variable,
  options: BatchNormOptions,
): tf.Tensor4D {
  if (nativeBackend() === undefined) {
    return composedBatchNorm(x, scale, offset, runningMean, runningVariance, options);
  }
  const { training, momentum, epsilon } = options;
  const common = [
    attribute.type("T", DT.float32),
    attribute.type("U", DT.float32),
    attribute.float("epsilon", epsilon),
    attribute.string("data_format", "NHWC"),
    attribute.bool("is_training", training),
  ];
  const forward = [...common, attribute.float("exponential_avg_factor", training ? momentum : 1)];
  let moved: tf.Tensor[] = [];
  const y = differentiable<tf.Tensor4D>(
    [x, scale, offset],
    (save) => {
      const inputs = [x, scale, offset, runningMean, runningVariance];
      const [value, mean, variance, ...reserved] = nativeOp("FusedBatchNormV3", forward, inputs, 6);
      if (training) moved = [tf.keep(mean), tf.keep(variance)];
      save([x, scale, ...reserved]);
      return value;
    },
    (dy, saved) => nativeOp("FusedBatchNormGradV3", common, [dy, ...saved], 5).slice(0, 3),
  );
  if (training) {
    runningMean.assign(moved[0]);
    runningVariance.assign(moved[1]);
  }
  for (const value of moved) value.dispose();
  return y;
}

function composedBatchNorm(
  x: tf.Tensor4D,
  scale: tf.Tensor,
  offset: tf.Tensor,
  runningMean: tf.Variable,
  runningVariance: tf.Variable,
  { training, momentum, epsilon }: BatchNormOptions,
): tf.Tensor4D {
  const count = x.size / x.shape[3];
  const batch = training
    ? tf.moments(x, [0, 1, 2])
    : { mean: runningMean, variance: runningVariance };
  if (training) {
    const unbiased = tf.mul(batch.variance, count / Math.max(count - 1, 1));
    for (const [running, value] of [
      [runningMean, batch.mean],
      [runningVariance, unbiased],
    ] as const) {
      running.assign(tf.add(tf.mul(running, 1 - momentum), tf.mul(value, momentum)));
    }
  }
  const inverse = tf.mul(tf.rsqrt(tf.add(batch.variance, epsilon)), scale);
  return tf.add(tf.mul(tf.sub(x, batch.mean), inverse), offset);
}

/**
 * Layer normalisation over the last dimension (Ba et al. 2016, arXiv:1607.06450).
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
        recordedLayerNorm(x, scale, offset, epsilon) ?? composedLayerNorm(x, scale, offset, epsilon)
      );
    },
    (dy, [x0, g]) => {
      const features = x0.shape[x0.rank - 1];
      const { mean, inverse } = statistics(x0, epsilon);
      const normalised = () => tf.mul(tf.sub(x0, mean), inverse);
      const along = fused(() => tf.mul(dy, normalised()));
      // With n for the normalised x: dx = inverse (g dy − mean(g dy) − n mean(g dy n)).
      const [level, slope] = [dy, along].map((x) => tf.div(sumOverColumns(x, g), features));
      const dx = fused(() => {
        const rest = tf.sub(tf.sub(tf.mul(dy, g), level), tf.mul(normalised(), slope));
        return tf.mul(rest, inverse);
      });
      return [dx, () => sumOverRows(along), () => sumOverRows(dy)];
    },
    true,
  );
}

/** TensorFlow's one op for it, which is for graphs on oneDNN only. */
function recordedLayerNorm(
  x: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
  epsilon: number,
): tf.Tensor | undefined {
  if (!hasOneDnn()) return undefined;
  const attributes = [attribute.type("T", DT.float32), attribute.float("epsilon", epsilon)];
  const rows = tf.reshape(x, [-1, x.shape[x.rank - 1]]);
  const type = { shape: rows.shape, dtype: DT.float32 };
  const y = recordedOp("_MklLayerNorm", attributes, [rows, scale, offset], [type])?.[0];
  return y && tf.reshape(y, x.shape);
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
