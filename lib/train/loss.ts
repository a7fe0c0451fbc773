import * as tf from "@tensorflow/tfjs-core";
import { softmaxCrossEntropy } from "../engine/ops/cross-entropy";
import { UserError } from "../errors";
import type { TrainConfig } from "./config";

/**
 * Mean loss of a batch.
 *
 * With class weights the mean is weighted by those of the targets, as PyTorch's `cross_entropy`
 * does it. `focal` is −(1 − p)^γ log p (Lin et al. 2017, arXiv:1708.02002), here for soft targets.
 *
 * @param logits float32 [batch, classes]
 * @param targets float32 [batch, classes], each row summing to 1
 * @param weights float32 [classes]
 * @returns float32 scalar
 */
export function classificationLoss(
  logits: tf.Tensor2D,
  targets: tf.Tensor2D,
  config: TrainConfig["loss"],
  weights?: tf.Tensor1D,
): tf.Scalar {
  return tf.tidy(() => {
    const { labelSmoothing } = config;
    const rows =
      config.name === "focal"
        ? focal(logits, targets, config.gamma, weights)
        : softmaxCrossEntropy(logits, targets, { labelSmoothing, weights });
    if (weights === undefined) return tf.mean(rows);
    return tf.div(tf.sum(rows), tf.sum(tf.mul(targets, weights)));
  });
}

function focal(
  logits: tf.Tensor2D,
  targets: tf.Tensor2D,
  gamma: number,
  weights?: tf.Tensor1D,
): tf.Tensor1D {
  const logP = tf.logSoftmax(logits);
  const factor = tf.pow(tf.sub(1, tf.exp(logP)), gamma);
  const terms = tf.mul(tf.mul(targets, factor), logP);
  return tf.neg(tf.sum(weights === undefined ? terms : tf.mul(terms, weights), 1));
}

/**
 * The weight of each class, with mean 1 over the classes.
 *
 * @param counts Rows of each class in the training split.
 * @returns undefined where every class weighs the same
 */
export function classWeights(
  config: TrainConfig["loss"]["classWeights"],
  counts: readonly number[],
): Float32Array | undefined {
  if (config === "none") return undefined;
  if (Array.isArray(config)) {
    if (config.length !== counts.length) {
      throw new UserError(
        `loss.classWeights has ${config.length} values and the data ${counts.length} classes`,
        "give one value a class, in the order of the classes",
      );
    }
    return Float32Array.from(config);
  }
  // Effective number of samples (Cui et al. 2019, arXiv:1901.05555), with their β for n rows.
  const total = counts.reduce((a, b) => a + b, 0);
  const beta = 1 - 1 / total;
  const size = (n: number) => (config === "inverse" ? n : (1 - beta ** n) / (1 - beta));
  const raw = counts.map((n) => (n === 0 ? 0 : 1 / size(n)));
  const mean = raw.reduce((a, b) => a + b, 0) / counts.length;
  return Float32Array.from(raw, (w) => w / mean);
}
