import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { valuesOf } from "../engine/values-of";
import type { AttentionHook, Model } from "../models/module";
import type { Window } from "../models/windows";
import type { SaliencyMaps } from "./saliency-maps";
import { windowsToMap } from "./windows-to-map";

/** What one layer's heads look at, and where the keys lie in the image. */
export interface AttentionLayer {
  /** The layer's name in the model, such as `blocks.0.attn`. */
  readonly name: string;
  /**
   * float32 `[images, heads, queries, keys]`, each row a distribution over the keys. For windows
   * (Swin) `[images × windows, heads, queries, keys]`.
   */
  readonly weights: tf.Tensor4D;
  /** Tokens before those of the image: the class token first, then registers; 0 without them. */
  readonly prefix: number;
  /** Height and width of the grid of the other keys; of the whole image where there are windows. */
  readonly grid: readonly [height: number, width: number];
  /** Where attention stays inside windows: their size and shift, keys. */
  readonly window?: Window;
}

/** Attention of every layer, first to last. */
export interface Attention {
  /** One a layer, first to last. */
  readonly layers: readonly AttentionLayer[];
  /** float32 `[images, numClasses]`: what the model answers. */
  readonly logits: tf.Tensor2D;
  /** Free the weights and the logits. */
  dispose(): void;
}

/** Whether the model has attention that it shows. */
export function hasAttention(model: Model): boolean {
  return model.attention.length > 0;
}

/** Whether every layer mixes the same tokens, a class token among them: what rollout needs. */
export function hasWholeAttention({ attention }: Model): boolean {
  const isWhole = ({ prefix, window, stride }: AttentionHook) =>
    prefix > 0 && window === undefined && stride === attention[0].stride;
  return attention.length > 0 && attention.every(isWhole);
}

/** @throws UserError for a model without attention */
export function checkAttention(model: Model): void {
  if (hasAttention(model)) return;
  throw new UserError(
    `${model.name} has no attention`,
    "use Grad-CAM, occlusion or integrated gradients, or take a transformer",
  );
}

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
  checkAttention(model);
  const names = new Set(model.attention.map(({ name }) => name));
  const seen = new Map<string, tf.Tensor>();
  const logits = model.forward(images, {
    training: false,
    hook: (name, value) => {
      if (names.has(name)) seen.set(name, tf.keep(tf.clone(value)));
    },
  });
  const layers = attentionLayers(model, images, seen);
  for (const value of seen.values()) value.dispose();
  return {
    layers,
    logits,
    dispose: () => tf.dispose([logits, ...layers.map(({ weights }) => weights)]),
  };
}

/**
 * Weights, or what has their shape, with their places in the images; Linformer's weights of mixtures
 * as weights of tokens.
 *
 * @param images float32 `[images, height, width, 3]`, those that were seen.
 * @param seen By name of the hook: float32 `[images, heads, queries, keys]`.
 * @returns new tensors, the caller's to dispose
 */
export function attentionLayers(
  model: Model,
  images: tf.Tensor4D,
  seen: ReadonlyMap<string, tf.Tensor>,
): AttentionLayer[] {
  const [, height, width] = images.shape;
  return model.attention.map(({ name, prefix, stride, window, mixing }) => {
    const value = seen.get(name) as tf.Tensor4D | undefined;
    if (value === undefined) throw new Error(`${model.name} did not show ${name}`);
    const weights = mixing === undefined ? tf.clone(value) : overTokens(value, mixing);
    const grid = [Math.ceil(height / stride), Math.ceil(width / stride)] as const;
    return { name, weights, prefix, grid, window };
  });
}

/**
 * Linformer's weights of k mixtures as weights of the tokens.
 *
 * @param weights float32 `[images, heads, queries, k]`
 * @param mixing float32 `[tokens, k]`
 * @returns float32 `[images, heads, queries, tokens]`
 */
function overTokens(weights: tf.Tensor4D, mixing: tf.Tensor2D): tf.Tensor4D {
  return tf.tidy(() => {
    const sizes = tf.abs(mixing);
    const shares = tf.transpose(tf.div(sizes, tf.sum(sizes, 0, true)));
    const [images, heads, queries, k] = weights.shape;
    const rows = tf.matMul(tf.reshape(weights, [-1, k]), shares as tf.Tensor2D);
    return tf.reshape(rows, [images, heads, queries, -1]);
  });
}

/** Maps of one layer, head by head. */
export interface HeadMaps extends SaliencyMaps {
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
  const values = valuesOf(() => {
    if (layer.window !== undefined) {
      return windowsToMap(tf.mean(weights, 2), layer.window, grid);
    }
    const [images, , , keys] = weights.shape;
    return prefix > 0
      ? tf.slice(weights, [0, 0, 0, prefix], [images, heads, 1, keys - prefix])
      : tf.mean(weights, 2);
  });
  return { values, heads, size: grid };
}

/** The mean over the heads of {@link headMaps}. */
export function attentionMaps(layer: AttentionLayer): SaliencyMaps {
  const { values, heads, size } = headMaps(layer);
  const length = size[0] * size[1];
  const mean = new Float32Array(values.length / heads);
  for (let i = 0; i < values.length; i++) {
    const image = Math.floor(i / (length * heads));
    mean[image * length + (i % length)] += values[i] / heads;
  }
  return { values: mean, size };
}
