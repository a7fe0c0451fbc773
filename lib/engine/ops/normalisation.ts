import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, nativeBackend, nativeOp } from "../native";
import { differentiable } from "./differentiable";

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
      const mean = tf.mean(x, -1, true);
      const centred = tf.sub(x, mean);
      const variance = tf.mean(tf.square(centred), -1, true);
      const inverse = tf.rsqrt(tf.add(variance, epsilon));
      save([x, scale, mean, inverse]);
      return tf.add(tf.mul(tf.mul(centred, inverse), scale), offset);
    },
    (dy, [x0, g, mean, inverse]) => {
      const others = Array.from({ length: x0.rank - 1 }, (_, i) => i);
      const normalised = tf.mul(tf.sub(x0, mean), inverse);
      const dn = tf.mul(dy, g);
      // dx = inverse (dn − mean(dn) − normalised · mean(dn · normalised))
      const along = tf.mean(tf.mul(dn, normalised), -1, true);
      const dx = tf.mul(
        inverse,
        tf.sub(tf.sub(dn, tf.mean(dn, -1, true)), tf.mul(normalised, along)),
      );
      return [dx, tf.sum(tf.mul(dy, normalised), others), tf.sum(dy, others)];
    },
  );
}
