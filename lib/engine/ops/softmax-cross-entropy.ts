import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, nativeEngine, nativeOp } from "../native";
import { differentiable } from "./differentiable";

/** What {@link softmaxCrossEntropy} does to the targets. */
export interface CrossEntropyOptions {
  /** Share of each target that is spread evenly over all classes, 0 … 1. Default 0. */
  readonly labelSmoothing?: number;
  /** One factor per class, float32 [classes]. */
  readonly weights?: tf.Tensor1D;
}

/**
 * Cross-entropy of a softmax with soft targets, one value per row: −Σ w t log p.
 *
 * Not differentiated by the targets.
 *
 * @param logits float32 [batch, classes]
 * @param targets float32 [batch, classes], each row summing to 1
 * @returns float32 [batch]
 */
export function softmaxCrossEntropy(
  logits: tf.Tensor2D,
  targets: tf.Tensor2D,
  options: CrossEntropyOptions = {},
): tf.Tensor1D {
  const { labelSmoothing = 0, weights } = options;
  const smooth: tf.Tensor2D =
    labelSmoothing === 0
      ? targets
      : tf.add(tf.mul(targets, 1 - labelSmoothing), labelSmoothing / logits.shape[1]);
  if (weights !== undefined || nativeEngine() === undefined) {
    const weighted = weights === undefined ? smooth : tf.mul(smooth, weights);
    return tf.neg(tf.sum(tf.mul(weighted, tf.logSoftmax(logits)), 1));
  }
  return differentiable<tf.Tensor1D>(
    [logits],
    (save) => {
      const [loss, slope] = nativeOp(
        "SoftmaxCrossEntropyWithLogits",
        [attribute.type("T", DT.float32)],
        [logits, smooth],
        2,
      );
      save([slope]);
      return loss;
    },
    (dy, [slope]) => [tf.mul(tf.expandDims(dy, 1), slope)],
  );
}
