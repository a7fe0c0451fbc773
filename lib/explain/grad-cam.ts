import * as tf from "@tensorflow/tfjs-core";
import type { Model } from "../models/module";
import { featureMap } from "./feature-maps";
import { computeMaps, type SaliencyMaps } from "./saliency-maps";
import type { Target } from "./target";

/** Of which layer, and how its channels are weighed. */
export interface GradCamOptions {
  /** The class explained; default the likeliest. */
  readonly target?: Target;
  /** Name of a feature map, such as `layer4.1`; default the last. */
  readonly layer?: string;
  /** Default `grad-cam`. */
  readonly form?: "grad-cam" | "grad-cam++";
}

/**
 * Where a layer's features speak for the class: ReLU(Σ w A) over its channels A.
 *
 * Grad-CAM (Selvaraju et al. 2016, arXiv:1610.02391): w is the mean gradient of the logit.
 * Grad-CAM++ (Chattopadhay et al. 2017, arXiv:1710.11063): positive gradients,
 * weighed so that several small places count as one large place does.
 *
 * @param images float32 `[images, height, width, 3]`, normalized
 * @returns maps on the layer's grid, ≥ 0
 * @throws UserError when the model has no such feature map (a ViT has none)
 */
export function gradCam(
  model: Model,
  images: tf.Tensor4D,
  options: GradCamOptions = {},
): SaliencyMaps {
  const { target, layer, form = "grad-cam" } = options;
  const { value, gradient } = featureMap(model, images, target, layer);
  try {
    return computeMaps(() => {
      const weights =
        form === "grad-cam"
          ? tf.mean(gradient, [1, 2], true)
          : tf.sum(tf.mul(shares(value, gradient), tf.relu(gradient)), [1, 2], true);
      return tf.relu(tf.sum(tf.mul(value, weights), 3));
    });
  } finally {
    tf.dispose([value, gradient]);
  }
}

/** α of Grad-CAM++: g² / (2 g² + g³ Σ A), 0 where the gradient is. */
function shares(value: tf.Tensor, gradient: tf.Tensor): tf.Tensor {
  const squared = tf.square(gradient);
  const cubed = tf.mul(squared, gradient);
  const below = tf.add(tf.mul(squared, 2), tf.mul(cubed, tf.sum(value, [1, 2], true)));
  return tf.divNoNan(squared, below);
}
