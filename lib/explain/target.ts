import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";

/** Which class's logit is explained: one for all images, one each, or (default) the likeliest of each. */
export type Target = number | readonly number[] | undefined;

/** @throws UserError when a class is not the model's, or there is not one for each image. */
export function checkTarget(target: Target, images: number, classes: number): void {
  if (target === undefined) return;
  const chosen = typeof target === "number" ? [target] : target;
  if (typeof target !== "number" && chosen.length !== images) {
    throw new UserError(
      `${chosen.length} target classes were given for ${images} images`,
      "give one class, or one for each image",
    );
  }
  const wrong = chosen.find((c) => !Number.isInteger(c) || c < 0 || c >= classes);
  if (wrong !== undefined) {
    throw new UserError(`class ${wrong} is none of the model's`, `give 0 to ${classes - 1}`);
  }
}

/** The class of each image: the target's, or the likeliest. @throws as {@link checkTarget} */
export function targetClasses(logits: tf.Tensor2D, target: Target): number[] {
  const [images, classes] = logits.shape;
  checkTarget(target, images, classes);
  if (target === undefined) return Array.from(tf.tidy(() => tf.argMax(logits, 1).dataSync()));
  return typeof target === "number" ? new Array<number>(images).fill(target) : [...target];
}

/** The logit of each image's class: `[images, classes]` → `[images]`. */
export function targetLogits(logits: tf.Tensor2D, classes: readonly number[]): tf.Tensor1D {
  const mask = tf.oneHot(tf.tensor1d([...classes], "int32"), logits.shape[1]);
  return tf.sum(tf.mul(logits, tf.cast(mask, "float32")), 1);
}
