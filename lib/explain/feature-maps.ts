import type * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import type { Model } from "../models/module";
import { type Inner, innerGradients } from "./gradients";
import type { Target } from "./target";

/**
 * The feature map `[images, height, width, channels]` of one layer with its gradient.
 *
 * @param images float32 `[images, height, width, 3]`, normalized
 * @param layer One of the model's `featureMaps`, such as `layer4.1`; default the last.
 * @returns the caller's to dispose
 * @throws UserError when the model has no such feature map
 */
export function featureMap(
  model: Model,
  images: tf.Tensor4D,
  target: Target,
  layer = model.featureMaps.at(-1),
): Inner {
  if (layer === undefined || !model.featureMaps.includes(layer)) {
    throw new UserError(
      `${model.name} has no feature map${layer ? ` ${layer}` : ""}`,
      model.featureMaps.length > 0
        ? `take one of ${model.featureMaps.join(", ")}`
        : "use its attention, occlusion or integrated gradients",
    );
  }
  const inner = innerGradients(model, images, target, new Set([layer])).get(layer);
  if (inner === undefined) throw new Error(`${model.name} did not show ${layer}`);
  return inner;
}
