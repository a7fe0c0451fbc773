import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import type { Model } from "../models/module";
import { type AttentionGeometry, attentionGeometry, windowsToMap } from "./attention-geometry";
import type { Maps } from "./maps";

/** What one layer's heads look at. */
export interface AttentionLayer extends AttentionGeometry {
  /** The layer's name in the model, such as `blocks.0.attn`. */
  readonly name: string;
  /**
   * float32 `[images, heads, queries, keys]`, each row a distribution over the keys. For windows
   * (Swin) `[images × windows, heads, queries, keys]`.
   */
  readonly weights: tf.Tensor4D;
}

/** Attention of every layer, first to last. */
export interface Attention {
  readonly layers: readonly AttentionLayer[];
  /** float32 `[images, classes]`: what the model answers. */
  readonly logits: tf.Tensor2D;
  dispose(): void;
}

/** Whether the model has attention that it shows. */
export function hasAttention(model: Model): boolean {
  return [...model.parameters.keys()].some((name) => attentionParameter.test(name));
}

/** Query weights of ViT and Swin, Linformer, CvT. */
const attentionParameter = /\.(attn\.qkv|to_q|projection_query)\.weight$/;

/** The names under which models show attention, rather than features. */
export const attentionName = /(\.attn|\.0\.fn|\.attention\.attention)$/;

/**
 * Run a model and keep its attention.
 *
 * ViT and DINOv2: as computed. Linformer computes attention to k mixtures of tokens; here each
 * mixture's weight is shared out among its tokens by the sizes of their coefficients in the
 * projection of the values, a reading that keeps rows distributions but ignores that coefficients
 * of opposite signs cancel. CvT: keys lie on a grid of half the resolution; its class token lives in
 * the last stage. Swin V2: attention inside windows, no class token.
 *
 * @param images float32 `[images, height, width, 3]`, normalized; see `modelImages`
 * @throws UserError for a model without attention
 */
export function captureAttention(model: Model, images: tf.Tensor4D): Attention {
  if (!hasAttention(model)) {
    throw new UserError(
      `${model.name} has no attention`,
      "use Grad-CAM, occlusion or integrated gradients, or take a transformer",
    );
  }
  const raw: [name: string, weights: tf.Tensor4D][] = [];
  const logits = model.forward(images, {
    training: false,
    capture: (name, value) => {
      if (attentionName.test(name)) raw.push([name, tf.keep(tf.clone(value)) as tf.Tensor4D]);
    },
  });
  const layers = raw.map(([name, seen]): AttentionLayer => {
    const geometry = attentionGeometry(model, name, seen);
    const weights = overTokens(model, name, seen);
    if (weights !== seen) seen.dispose();
    return { name, weights, ...geometry };
  });
  return {
    layers,
    logits,
    dispose: () => tf.dispose([logits, ...layers.map(({ weights }) => weights)]),
  };
}

/**
 * Linformer's weights of k mixtures as weights of the tokens; other models' as they are.
 *
 * @param weights float32 `[images, heads, queries, keys]`
 */
export function overTokens(model: Model, name: string, weights: tf.Tensor4D): tf.Tensor4D {
  const mixing = model.parameters.get(`${name}.proj_v`)?.variable;
  if (mixing === undefined) return weights;
  return tf.tidy(() => {
    const sizes = tf.abs(mixing);
    const shares = tf.transpose(tf.div(sizes, tf.sum(sizes, 0, true)));
    const [images, heads, queries, k] = weights.shape;
    const rows = tf.matMul(tf.reshape(weights, [-1, k]), shares as tf.Tensor2D);
    return tf.reshape(rows, [images, heads, queries, -1]);
  });
}

/** Maps of one layer, head by head. */
export interface HeadMaps extends Maps {
  /** `values` are `[images × heads, height, width]`. */
  readonly heads: number;
}

/**
 * Where each head of a layer looks, on the grid of its keys.
 *
 * Of a layer with a class token: how much that attends to each patch (Caron et al. 2021,
 * arXiv:2104.14294). Of one without (Swin V2, the first stages of CvT): how much attention each
 * place gets, the mean over those that can see it.
 */
export function headMaps(layer: AttentionLayer): HeadMaps {
  const { weights, prefix, grid } = layer;
  const heads = weights.shape[1];
  const values = tf.tidy(() => {
    if (layer.window !== undefined) {
      return windowsToMap(tf.mean(weights, 2), layer.window, grid).dataSync<"float32">();
    }
    const [images, , , keys] = weights.shape;
    const rows =
      prefix > 0
        ? tf.slice(weights, [0, 0, 0, prefix], [images, heads, 1, keys - prefix])
        : tf.mean(weights, 2);
    return rows.dataSync<"float32">();
  });
  return { values: values as Float32Array, heads, size: grid };
}

/** The mean over the heads of {@link headMaps}. */
export function attentionMaps(layer: AttentionLayer): Maps {
  const { values, heads, size } = headMaps(layer);
  const length = size[0] * size[1];
  const mean = new Float32Array(values.length / heads);
  for (let i = 0; i < values.length; i++) {
    const image = Math.floor(i / (length * heads));
    mean[image * length + (i % length)] += values[i] / heads;
  }
  return { values: mean, size };
}
