import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import type { Attention, AttentionLayer } from "./attention-maps";
import { computeMaps, type SaliencyMaps } from "./saliency-maps";

/** How attention is rolled out. */
export interface RolloutOptions {
  /** How the heads of a layer become one. Default `mean`, as in the paper. */
  readonly fusion?: "mean" | "max" | "min";
  /** Share of each layer's smallest weights that are set to 0 first, 0…1. Default 0. */
  readonly discard?: number;
  /** Whether the residual connection counts as half of each token's attention. Default true. */
  readonly residual?: boolean;
}

/**
 * Attention rollout (Abnar & Zuidema 2020, arXiv:2005.00928): how much of each patch reaches the
 * class token through all layers, if tokens only mixed by attention: the product of the layers'
 * matrices ½ A + ½ I.
 *
 * The discarding of small weights is customary for images; the class token's weight on itself
 * stays.
 *
 * @returns maps on the grid of patches
 * @throws UserError where it is not defined: without a class token in every layer (Swin V2, CvT)
 */
export function rollout({ layers }: Attention, options: RolloutOptions = {}): SaliencyMaps {
  const { fusion = "mean", discard = 0, residual = true } = options;
  if (!(discard >= 0 && discard < 1)) {
    throw new UserError(`discard is ${discard}`, "give a share from 0 to below 1");
  }
  checkTokens(layers, "rollout");
  return computeMaps(() => {
    const fuse = { mean: tf.mean, max: tf.max, min: tf.min }[fusion];
    const identity = tf.eye(layers[0].weights.shape[3]);
    const steps = layers.map(({ weights }) => {
      const fused = withoutSmallest(fuse(weights, 1) as tf.Tensor3D, discard);
      const mixed = residual ? tf.add(fused, identity) : fused;
      return tf.div(mixed, tf.sum(mixed, -1, true)) as tf.Tensor3D;
    });
    const joint = steps.reduce((below, step) => tf.matMul(step, below));
    return classTokenMap(joint, layers[0]);
  });
}

/** What reaches the class token: the first row, without the tokens that are no patches. */
export function classTokenMap(
  joint: tf.Tensor3D,
  { prefix, grid }: Pick<AttentionLayer, "prefix" | "grid">,
): tf.Tensor {
  const row = tf.slice(joint, [0, 0, prefix], [-1, 1, -1]);
  return tf.reshape(row, [-1, grid[0], grid[1]]);
}

/** @throws UserError unless all layers mix the same tokens, a class token among them. */
export function checkTokens(layers: readonly AttentionLayer[], method: string): void {
  const whole = layers.every(
    ({ prefix, window, weights }) =>
      prefix > 0 && window === undefined && weights.shape[2] === weights.shape[3],
  );
  if (whole) return;
  throw new UserError(
    `${method} is defined where every layer mixes the same tokens and a class token; this model's do not`,
    "use the layers' own maps, Grad-CAM or integrated gradients",
  );
}

function withoutSmallest(fused: tf.Tensor3D, discard: number): tf.Tensor3D {
  if (discard === 0) return fused;
  const [images, tokens] = fused.shape;
  const length = tokens * tokens;
  const values = fused.dataSync<"float32">().slice();
  for (let image = 0; image < images; image++) {
    const one = values.subarray(image * length, (image + 1) * length);
    const own = one[0];
    const least = one.slice().sort()[Math.floor(length * discard)];
    for (let i = 0; i < length; i++) if (one[i] < least) one[i] = 0;
    one[0] = own;
  }
  return tf.tensor3d(values, fused.shape);
}
