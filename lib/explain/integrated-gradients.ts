import * as tf from "@tensorflow/tfjs-core";
import type { Model } from "../models/module";
import { imageGradient } from "./gradients";
import type { SaliencyMaps } from "./saliency-maps";
import { type Target, targetClasses, targetLogits } from "./target";

/** How {@link integratedGradients} goes. */
export interface IntegratedGradientsOptions {
  /** The class explained; default the likeliest. */
  readonly target?: Target;
  /** Points on the way from the baseline to the image. Default 32. */
  readonly steps?: number;
  /** One pixel of the baseline, RGB from 0 to 1. Default black, which is nearly the sky. */
  readonly baseline?: readonly [number, number, number];
}

/** Attributions with what they should and do add up to. */
export interface IntegratedGradients extends SaliencyMaps {
  /** Of each image: its target's logit less the baseline's, which the map should add up to. */
  readonly change: Float32Array;
  /** Of each image: the sum of its map less `change`; near 0 with enough steps. */
  readonly gap: Float32Array;
}

/**
 * Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365): the gradient by each pixel,
 * averaged on the straight way from a baseline to the image (midpoint rule), times the pixel's
 * change. By completeness a map adds up to the change of the logit.
 *
 * @param images float32 `[images, height, width, 3]`, normalized
 * @returns maps of pixels, summed over colors; negative where a pixel speaks against the class
 */
export function integratedGradients(
  model: Model,
  images: tf.Tensor4D,
  options: IntegratedGradientsOptions = {},
): IntegratedGradients {
  const { steps = 32, baseline = [0, 0, 0] } = options;
  const { mean, std } = model.preprocessing;
  const [count, height, width] = images.shape;
  const start = tf.tidy(() =>
    tf.tile(tf.reshape(tf.tensor1d(baseline.map((b, c) => (b - mean[c]) / std[c])), [1, 1, 1, 3]), [
      count,
      height,
      width,
      1,
    ]),
  ) as tf.Tensor4D;
  const difference = tf.sub(images, start) as tf.Tensor4D;
  const run = (x: tf.Tensor4D) => model.forward(x, { training: false });
  try {
    const classes = tf.tidy(() => targetClasses(run(images), options.target));
    const logit = (x: tf.Tensor4D) => tf.tidy(() => targetLogits(run(x), classes).dataSync());
    let total = tf.zerosLike(images);
    for (let step = 0; step < steps; step++) {
      const before = total;
      total = tf.tidy(() => {
        const at = tf.add(start, tf.mul(difference, (step + 0.5) / steps)) as tf.Tensor4D;
        return tf.add(before, imageGradient(model, at, classes));
      });
      before.dispose();
    }
    const map = tf.tidy(() => tf.sum(tf.div(tf.mul(total, difference), steps), 3));
    const values = map.dataSync<"float32">() as Float32Array;
    tf.dispose([total, map]);
    const [after, before] = [logit(images), logit(start)];
    const change = Float32Array.from(after, (value, i) => value - before[i]);
    const size = height * width;
    const gap = change.map((wanted, i) => {
      const own = values.subarray(i * size, (i + 1) * size);
      return own.reduce((sum, value) => sum + value, 0) - wanted;
    });
    return { values, size: [height, width], change, gap };
  } finally {
    tf.dispose([start, difference]);
  }
}
