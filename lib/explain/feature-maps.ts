import type * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import type { Model } from "../models/module";
import { attentionName } from "./attention";
import { type Inner, innerGradients } from "./gradients";
import type { Target } from "./target";

/** A feature map of a model, and the gradient of the target's logit by it. */
export interface FeatureMap extends Inner {
  readonly name: string;
}

/**
 * The feature map `[images, height, width, channels]` of one layer with its gradient.
 *
 * @param layer As the model names it, such as `layer4.1`; default the last one.
 * @returns the caller's to dispose
 * @throws UserError when the model has no such feature map
 */
export function featureMap(
  model: Model,
  images: tf.Tensor4D,
  target: Target,
  layer?: string,
): FeatureMap {
  const names: string[] = [];
  const inner = innerGradients(model, images, target, (name, value) => {
    const isMap = value.rank === 4 && !attentionName.test(name);
    if (isMap) names.push(name);
    return isMap && (layer === undefined || layer === name);
  });
  const chosen = [...inner].at(-1);
  for (const [name, { value, gradient }] of inner) {
    if (name === chosen?.[0]) continue;
    value.dispose();
    gradient.dispose();
  }
  if (chosen !== undefined) return { name: chosen[0], ...chosen[1] };
  const remedy =
    names.length > 0
      ? `take one of ${names.join(", ")}`
      : "use its attention, occlusion or integrated gradients";
  throw new UserError(`${model.name} has no feature map${layer ? ` ${layer}` : ""}`, remedy);
}
