import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, nativeEngine, nativeOp } from "../native";
import { differentiable } from "./differentiable";

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
