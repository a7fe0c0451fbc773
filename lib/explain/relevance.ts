import * as tf from "@tensorflow/tfjs-core";
import type { Model } from "../models/module";
import { attentionLayers, checkAttention } from "./attention-maps";
import { innerGradients } from "./gradients";
import { checkTokens, classTokenMap } from "./rollout";
import { computeMaps, type SaliencyMaps } from "./saliency-maps";
import type { Target } from "./target";

/**
 * Gradient-weighted relevance (Chefer et al. 2021, arXiv:2103.15679, eqs. 5 and 6): of each layer's
 * attention A the part that speaks for the class, Ā = mean over heads of (∇A ⊙ A)⁺, gathered from
 * the first layer to the last by R ← R + Ā R.
 *
 * For Linformer Ā is taken over its k mixtures and then shared out among their tokens, as
 * `captureAttention` does.
 *
 * @param images float32 `[images, height, width, 3]`, normalized
 * @param target The class explained; default the likeliest.
 * @returns maps on the grid of patches, ≥ 0
 * @throws UserError where it is not defined: without a class token in every layer (Swin V2, CvT)
 */
export function relevance(model: Model, images: tf.Tensor4D, target?: Target): SaliencyMaps {
  checkAttention(model);
  const names = new Set(model.attention.map(({ name }) => name));
  const inner = innerGradients(model, images, target, names);
  try {
    return computeMaps(() => {
      const positive = new Map(
        [...inner].map(([name, { value, gradient }]) => [name, tf.relu(tf.mul(value, gradient))]),
      );
      const layers = attentionLayers(model, images, positive);
      checkTokens(layers, "relevance");
      const [first] = layers;
      // The class token's row is all that is wanted, so the product is taken from its left.
      const [count, , , tokens] = first.weights.shape;
      const classToken = tf.tile(tf.oneHot(tf.tensor2d([[0]], [1, 1], "int32"), tokens), [
        count,
        1,
        1,
      ]);
      const row = layers.reduceRight((above, { weights }) => {
        const step = tf.mean(weights, 1) as tf.Tensor3D;
        return tf.add(above, tf.matMul(above, step));
      }, tf.cast(classToken, "float32") as tf.Tensor3D);
      return classTokenMap(row, first);
    });
  } finally {
    for (const { value, gradient } of inner.values()) tf.dispose([value, gradient]);
  }
}
