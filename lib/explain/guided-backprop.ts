import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import type { Model } from "../models/module";
import { imageGradient } from "./gradients";
import { computeMaps, type SaliencyMaps } from "./saliency-maps";
import type { Target } from "./target";

/**
 * Guided backpropagation (Springenberg et al. 2014, arXiv:1412.6806): the gradient by the pixels
 * where every ReLU on the way back lets only positive gradients through. Sharp, and good to see
 * structure; it depends little on the class (Adebayo et al. 2018, arXiv:1810.03292).
 *
 * @param images float32 `[images, height, width, 3]`, normalized
 * @param target The class explained; default the likeliest.
 * @returns maps of pixels, the largest size among the three colors
 * @throws UserError for a model without ReLU, such as a ViT
 */
export function guidedBackprop(model: Model, images: tf.Tensor4D, target?: Target): SaliencyMaps {
  let met = 0;
  const gradient = withReluGradient(
    (dy, y) => {
      met++;
      return tf.mul(tf.relu(dy), tf.step(y));
    },
    () => imageGradient(model, images, target),
  );
  try {
    if (met === 0) {
      throw new UserError(
        `guided backpropagation is defined by ReLU, and ${model.name} has none`,
        "use integrated gradients",
      );
    }
    return computeMaps(() => tf.max(tf.abs(gradient), 3));
  } finally {
    gradient.dispose();
  }
}

/** Run `work`, which must be synchronous, with another gradient of ReLU. */
function withReluGradient<T>(
  gradient: (dy: tf.Tensor, y: tf.Tensor) => tf.Tensor,
  work: () => T,
): T {
  const usual = tf.getGradient("Relu");
  const register = (config: tf.GradConfig) => {
    tf.unregisterGradient("Relu");
    tf.registerGradient(config);
  };
  register({
    kernelName: "Relu",
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({ x: () => gradient(dy as tf.Tensor, y) }),
  });
  try {
    return work();
  } finally {
    register(usual);
  }
}
