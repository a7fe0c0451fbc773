import * as tf from "@tensorflow/tfjs-core";
import { differentiable, withoutWeightGradients } from "../engine/ops/differentiable";
import type { Model } from "../models/module";
import { checkTarget, type Target, targetClasses, targetLogits } from "./target";

/** A value inside a model, and how the target's logit changes with it. */
export interface Inner {
  /** The value, of whatever shape the model shows it in. */
  readonly value: tf.Tensor;
  /** The gradient of the target's logit by it, of the same shape. */
  readonly gradient: tf.Tensor;
}

/**
 * The gradient of the target's logit by the images.
 *
 * @param images float32 `[images, height, width, 3]`, normalized
 * @returns a tensor of the images' shape, the caller's to dispose
 */
export function imageGradient(model: Model, images: tf.Tensor4D, target: Target): tf.Tensor4D {
  // Before the gradient begins: an error inside it leaves the tensors that it has saved.
  checkTarget(target, images.shape[0], model.numClasses);
  return tf.tidy(() =>
    withoutWeightGradients(() => tf.grad(scoreOf(model, target))(images) as tf.Tensor4D),
  );
}

/**
 * Values that a model shows to the context's `hook`, each with the gradient of the target's logit by
 * it, in one pass forward and one back.
 *
 * @param images float32 `[images, height, width, 3]`, normalized
 * @param wanted Names of the values.
 * @returns by name, in the order of computation; the caller's to dispose
 */
export function innerGradients(
  model: Model,
  images: tf.Tensor4D,
  target: Target,
  wanted: ReadonlySet<string>,
): Map<string, Inner> {
  const values = new Map<string, tf.Tensor>();
  const gradients = new Map<string, tf.Tensor>();
  checkTarget(target, images.shape[0], model.numClasses);
  // Differentiated by a zero that enters at each wanted value: what lies below the first of them
  // is not computed.
  const score = (zero: tf.Tensor): tf.Tensor => {
    const hook = (name: string, value: tf.Tensor): tf.Tensor | undefined => {
      if (!wanted.has(name)) return undefined;
      values.set(name, tf.keep(tf.clone(value)));
      // The identity; its gradient notes what comes by.
      return differentiable(
        [value, zero],
        () => tf.clone(value),
        (dy) => {
          gradients.set(name, tf.keep(tf.clone(dy)));
          return [dy, tf.scalar(0)];
        },
      );
    };
    return tf.add(scoreOf(model, target, hook)(images), zero);
  };
  tf.tidy(() => withoutWeightGradients(() => tf.grad(score)(tf.scalar(0)))).dispose();
  const inner = new Map<string, Inner>();
  for (const [name, value] of values) {
    const gradient = gradients.get(name);
    // What the logit does not depend on is no part of an explanation.
    if (gradient === undefined) value.dispose();
    else inner.set(name, { value, gradient });
  }
  return inner;
}

/** The sum over the images of the target's logit: images do not see each other. */
function scoreOf(
  model: Model,
  target: Target,
  hook?: (name: string, value: tf.Tensor) => tf.Tensor | undefined,
): (images: tf.Tensor) => tf.Scalar {
  return (images) => {
    const logits = model.forward(images as tf.Tensor4D, { training: false, hook });
    return tf.sum(targetLogits(logits, targetClasses(logits, target)));
  };
}
