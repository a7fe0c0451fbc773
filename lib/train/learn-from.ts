import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { type Augmentation, augment } from "../data/augment";
import { mixBatch } from "../data/augment-mix";
import { unitRange } from "../engine/ops/pixels";
import { inParts, partSeed, usualParts } from "../engine/parts";
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
  readonly task: Pick<Task, "trainingScore" | "views">;
  /** In how many parts the batch goes through the network, side by side. */
  readonly parts: number;
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

/** Images of each part from which on it has enough to do. */
const PART = 2;

/**
 * In how many parts a network learns from a batch on this machine. In one where it holds batch norms: their
 * statistics are of the whole batch.
 *
 * @param batchSize Images of a batch.
 */
export function trainingParts({ parameters }: Model, batchSize: number): number {
  if ([...parameters.values()].some(({ buffer }) => buffer)) return 1;
  return Math.max(1, Math.min(usualParts(), Math.floor(batchSize / PART)));
}

/**
 * @throws UserError where images are to be mixed, and the task compares views of each with one another
 */
export function checkMixing({ views = 1 }: Task, { mixup, cutmix }: Augmentation): void {
  if (views === 1 || mixup + cutmix === 0) return;
  throw new UserError(
    "train.augmentation mixes images, and the task compares views of one and the same galaxy",
    "set mixup and cutmix to 0",
  );
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
  { model, trained, augmentation, loss, task, parts }: Learner,
): Learned {
  const views = Array.from({ length: task.views ?? 1 }, (_, view) =>
    inParts(pixels, parts, (part, i) =>
      augment(unitRange(part), partSeed(seed, view * parts + i), augmentation),
    ),
  );
  const augmented = views.length === 1 ? views[0] : tf.concat(views, 0);
  const other = tf.add(seed, tf.scalar(1, "int32"));
  const [images, targets] = mixBatch(augmented, given, other, augmentation);
  const x = normalize(images, model.preprocessing);
  let logits: tf.Tensor2D | undefined;
  const { value, grads } = tf.variableGrads(
    () => {
      // The loss is of the whole batch, so that gradients are what they are without parts.
      const out = inParts(x, parts, (part, i) =>
        model.forward(part, { training: true, seed: partSeed(seed, i) }),
      );
      logits = tf.keep(out);
      return loss(out, targets);
    },
    trained.map(({ variable }) => variable),
  );
  if (logits === undefined) throw new Error("the loss was not computed");
  const score = task.trainingScore.sum(logits, targets);
  logits.dispose();
  return { value, score, gradients: trained.map(({ variable }) => grads[variable.name]) };
}
