import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import type { Column } from "../core/table";
import { classWeights } from "../data/balance";
import { softmaxCrossEntropy } from "../engine/ops/cross-entropy";
import type { TrainConfig } from "../train/config";

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
 * The weight of each class that a config asks for.
 *
 * @param rows Of the training split.
 * @returns undefined where every class weighs the same
 * @throws UserError when the config gives another number of weights than there are classes
 */
export function lossWeights(
  config: TrainConfig["loss"]["classWeights"],
  labels: Column,
  rows: ArrayLike<number>,
  classes: number,
): Float32Array | undefined {
  if (config === "none") return undefined;
  if (!Array.isArray(config)) {
    return Float32Array.from(classWeights(Array.from(labels, Number), rows, classes, config));
  }
  if (config.length === classes) return Float32Array.from(config);
  throw new UserError(
    `loss.classWeights has ${config.length} values and the data ${classes} classes`,
    "give one value a class, in the order of the classes",
  );
}
