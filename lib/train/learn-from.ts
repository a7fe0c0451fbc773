import * as tf from "@tensorflow/tfjs-core";
import { type Augmentation, augment } from "../data/augment";
import { mixBatch } from "../data/augment-mix";
import { unitRange } from "../engine/ops/pixels";
import type { Model } from "../models/module";
import type { Parameter } from "../models/parameters";
import { normalize } from "../predict/preprocess";
import type { Loss, Task } from "../tasks/task";

/** What learns from a batch, and how. */
interface Learner {
  readonly model: Model;
  /** Parameters that gradients are wanted of. */
  readonly trained: readonly Parameter[];
  readonly augmentation: Augmentation;
  readonly loss: Loss;
  readonly trainingScore: Task["trainingScore"];
}

/** What a batch says. */
interface Learned {
  /** The loss. */
  readonly value: tf.Scalar;
  /** Sum of the training score over the images. */
  readonly score: tf.Scalar;
  /** One a parameter. */
  readonly gradients: readonly tf.Tensor[];
}

/**
 * Augment a batch, pass it through a network, and take the gradients of its loss: forward and backward,
 * without the update.
 *
 * @param pixels Images as {@link unitRange} takes them.
 * @param given Targets, float32 `[batch, targetWidth]`.
 * @param seed int32 `[2]`: of augmentation, dropout and stochastic depth.
 */
export function learnFrom(
  pixels: tf.Tensor,
  given: tf.Tensor2D,
  seed: tf.Tensor,
  { model, trained, augmentation, loss, trainingScore }: Learner,
): Learned {
  const augmented = augment(unitRange(pixels), seed, augmentation);
  const other = tf.add(seed, tf.scalar(1, "int32"));
  const [images, targets] = mixBatch(augmented, given, other, augmentation);
  const x = normalize(images, model.preprocessing);
  let logits: tf.Tensor2D | undefined;
  const { value, grads } = tf.variableGrads(
    () => {
      const out = model.forward(x, { training: true, seed });
      logits = tf.keep(out);
      return loss(out, targets);
    },
    trained.map(({ variable }) => variable),
  );
  if (logits === undefined) throw new Error("the loss was not computed");
  const score = trainingScore.sum(logits, targets);
  logits.dispose();
  return { value, score, gradients: trained.map(({ variable }) => grads[variable.name]) };
}
