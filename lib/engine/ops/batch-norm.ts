import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, hasOneDnn, nativeEngine, nativeOp } from "../native";
import { fused, isFusing } from "../trace";
import { differentiable } from "./differentiable";

/** Numbers in a register of the processor. */
const LANES = 16;

/** How {@link batchNorm} normalizes. */
export interface BatchNormOptions {
  /** Normalize by the batch and move the running statistics, or by the running statistics. */
  readonly training: boolean;
  /** The share of the new value in the running statistics, as in PyTorch. */
  readonly momentum: number;
  /** Added to the variance before the root. */
  readonly epsilon: number;
}

/**
 * Batch normalization over all but the last dimension (Ioffe & Szegedy 2015, arXiv:1502.03167).
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
  if (nativeEngine() === undefined) {
    return composedBatchNorm(x, scale, offset, runningMean, runningVariance, options);
  }
  const { training, momentum, epsilon } = options;
  if (training && x.shape[3] % LANES !== 0 && hasOneDnn() && isFusing(x.size)) {
    return narrowBatchNorm(x, scale, offset, runningMean, runningVariance, options);
  }
  const common = attributesOf(training, epsilon);
  const forward = [...common, attribute.float("exponential_avg_factor", training ? momentum : 1)];
  let moved: tf.Tensor[] = [];
  const y = differentiable<tf.Tensor4D>(
    [x, scale, offset],
    (save) => {
      const inputs = [x, scale, offset, runningMean, runningVariance];
      const [value, mean, variance, ...reserved] = nativeOp("FusedBatchNormV3", forward, inputs, 6);
      if (training) moved = [tf.keep(mean), tf.keep(variance)];
      // What a GPU's kernel reserves of frozen statistics is empty: the gradient is given these themselves.
      const statistics = training ? reserved.slice(0, 2) : [runningMean, runningVariance];
      save([x, scale, ...statistics, reserved[2]]);
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

function attributesOf(training: boolean, epsilon: number) {
  return [
    attribute.type("T", DT.float32),
    attribute.type("U", DT.float32),
    attribute.float("epsilon", epsilon),
    attribute.string("data_format", "NHWC"),
    attribute.bool("is_training", training),
  ];
}

/**
 * Training with a number of channels that oneDNN has no fast kernel for in bfloat16 (ten times slower,
 * with 24 channels): it sums as if some neighbors were channels of one pixel, their sums are added up,
 * and one kernel of XLA's does the rest.
 */
function narrowBatchNorm(
  x: tf.Tensor4D,
  scale: tf.Tensor,
  offset: tf.Tensor,
  runningMean: tf.Variable,
  runningVariance: tf.Variable,
  { momentum, epsilon }: BatchNormOptions,
): tf.Tensor4D {
  const channels = x.shape[3];
  const count = x.size / channels;
  // Neighbors that are taken together: as many as fill the lanes, or divide the pixels.
  let together = 1;
  while ((together * channels) % LANES !== 0 && count % (2 * together) === 0) together *= 2;
  const wide = (image: tf.Tensor) =>
    tf.reshape(image, [1, 1, count / together, together * channels]);
  const byNeighbor = (values: tf.Tensor) => tf.reshape(values, [together, channels]);
  const repeated = (values: tf.Tensor) => tf.tile(values, [together]);
  const common = attributesOf(true, epsilon);
  let statistics: tf.Tensor[] = [];
  const y = differentiable<tf.Tensor4D>(
    [x, scale, offset],
    (save) => {
      const [ones, zeros] = [1, 0].map((value) => tf.fill([together * channels], value));
      const forward = [...common, attribute.float("exponential_avg_factor", 1)];
      const inputs = [wide(x), ones, zeros, zeros, ones];
      const sums = nativeOp("FusedBatchNormV3", forward, inputs, 6);
      const [means, unbiased] = sums.slice(1, 3).map(byNeighbor);
      const mean = tf.mean(means, 0);
      const within = tf.mul(tf.mean(unbiased, 0), 1 - together / count);
      const variance = tf.add(within, tf.mean(tf.square(tf.sub(means, mean)), 0));
      const factor = tf.mul(scale, tf.rsqrt(tf.add(variance, epsilon)));
      const shift = tf.sub(offset, tf.mul(mean, factor));
      statistics = [tf.keep(mean), tf.keep(variance)];
      save([x, scale, mean, variance, sums[5]]);
      return fused(() => tf.add(tf.mul(x, factor), shift));
    },
    (dy, [x0, g, mean, variance, reserved]) => {
      const inputs = [
        wide(dy),
        wide(x0),
        repeated(tf.onesLike(g)),
        repeated(mean),
        repeated(variance),
      ];
      const sums = nativeOp("FusedBatchNormGradV3", common, [...inputs, reserved], 5);
      const [dScale, dOffset] = sums.slice(1, 3).map((values) => tf.sum(byNeighbor(values), 0));
      const inverse = tf.rsqrt(tf.add(variance, epsilon));
      const level = tf.div(dOffset, count);
      const slope = tf.div(tf.mul(inverse, dScale), count);
      const factor = tf.mul(g, inverse);
      const dx = fused(() => {
        const along = tf.mul(tf.sub(x0, mean), slope);
        return tf.mul(tf.sub(tf.sub(dy, level), along), factor);
      });
      return [dx, dScale, dOffset];
    },
  );
  moveStatistics([runningMean, runningVariance], statistics, momentum, count);
  for (const value of statistics) value.dispose();
  return y;
}

/** Move running statistics towards the batch's; the running variance takes the unbiased one. */
function moveStatistics(
  [runningMean, runningVariance]: readonly tf.Variable[],
  [mean, variance]: readonly tf.Tensor[],
  momentum: number,
  count: number,
): void {
  const unbiased = tf.mul(variance, count / Math.max(count - 1, 1));
  for (const [running, value] of [
    [runningMean, mean],
    [runningVariance, unbiased],
  ] as const) {
    running.assign(tf.add(tf.mul(running, 1 - momentum), tf.mul(value, momentum)));
  }
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
    moveStatistics([runningMean, runningVariance], [batch.mean, batch.variance], momentum, count);
  }
  const inverse = tf.mul(tf.rsqrt(tf.add(batch.variance, epsilon)), scale);
  return tf.add(tf.mul(tf.sub(x, batch.mean), inverse), offset);
}
