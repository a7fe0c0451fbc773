import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import type { Model } from "../models/module";
import type { SaliencyMaps } from "./saliency-maps";
import { type Target, targetClasses, targetLogits } from "./target";

/** How {@link occlusion} goes. */
export interface OcclusionOptions {
  /** The class explained; default the likeliest. */
  readonly target?: Target;
  /** Side of the square that is covered, pixels. Default an eighth of the image. */
  readonly window?: number;
  /** From one square to the next, pixels. Default half the window. */
  readonly stride?: number;
  /** Covered images that are run at once. Default 32. */
  readonly batchSize?: number;
}

/**
 * Occlusion (Zeiler & Fergus 2013, arXiv:1311.2901): how far the target's logit falls when a square
 * is covered with the median of the image, which is sky where a galaxy fills less than half.
 *
 * @param images float32 `[images, height, width, 3]`, normalized
 * @returns maps of pixels: the mean fall over the squares that cover a pixel, negative where
 *   covering it speaks for the class
 */
export function occlusion(
  model: Model,
  images: tf.Tensor4D,
  options: OcclusionOptions = {},
): SaliencyMaps {
  const [count, height, width] = images.shape;
  const { window = Math.max(1, Math.round(Math.min(height, width) / 8)), batchSize = 32 } = options;
  const stride = options.stride ?? Math.max(1, window >> 1);
  if (!(window >= 1 && stride >= 1 && stride <= window && window <= Math.min(height, width))) {
    throw new UserError(
      `a window of ${window} and a stride of ${stride} pixels do not cover ${height} × ${width}`,
      "give a window within the image and a stride from 1 to the window",
    );
  }
  const corners: [y: number, x: number][] = [];
  for (const y of starts(height, window, stride))
    for (const x of starts(width, window, stride)) corners.push([y, x]);

  const values = new Float32Array(count * height * width);
  const run = (x: tf.Tensor4D) => model.forward(x, { training: false });
  for (let image = 0; image < count; image++) {
    const target = typeof options.target === "object" ? options.target[image] : options.target;
    const [chosen, logit, pixels] = tf.tidy(() => {
      const one = tf.slice(images, [image, 0, 0, 0], [1, -1, -1, -1]);
      const logits = run(one);
      const classes = targetClasses(logits, target);
      const values = one.dataSync<"float32">() as Float32Array;
      return [classes[0], targetLogits(logits, classes).dataSync()[0], values];
    });
    const sky = median(pixels);
    const falls = corners.flatMap((_, from) => {
      if (from % batchSize !== 0) return [];
      const some = corners.slice(from, from + batchSize);
      const covered = new Float32Array(some.length * pixels.length);
      some.forEach((corner, i) => {
        covered.set(pixels, i * pixels.length);
        cover(covered.subarray(i * pixels.length), corner, window, width, sky);
      });
      return tf.tidy(() => {
        const logits = run(tf.tensor4d(covered, [some.length, height, width, 3]));
        const classes = new Array<number>(some.length).fill(chosen);
        return Array.from(targetLogits(logits, classes).dataSync(), (value) => logit - value);
      });
    });
    const own = values.subarray(image * height * width, (image + 1) * height * width);
    average(own, corners, falls, window, width);
  }
  return { values, size: [height, width] };
}

/** Where windows start, the last one at the border. */
function starts(length: number, window: number, stride: number): number[] {
  const count = Math.ceil((length - window) / stride) + 1;
  return Array.from({ length: count }, (_, i) => Math.min(i * stride, length - window));
}

/** The median of each color. */
function median(pixels: Float32Array): number[] {
  return [0, 1, 2].map((c) => {
    const values = pixels.filter((_, i) => i % 3 === c).sort();
    return values[values.length >> 1];
  });
}

function cover(
  pixels: Float32Array,
  [top, left]: readonly [number, number],
  window: number,
  width: number,
  color: readonly number[],
): void {
  for (let y = top; y < top + window; y++)
    for (let x = left; x < left + window; x++) pixels.set(color, 3 * (y * width + x));
}

/** The mean at each pixel over the windows that cover it. */
function average(
  map: Float32Array,
  corners: readonly (readonly [number, number])[],
  falls: readonly number[],
  window: number,
  width: number,
): void {
  const times = new Uint32Array(map.length);
  corners.forEach(([top, left], i) => {
    for (let y = top; y < top + window; y++) {
      for (let x = left; x < left + window; x++) {
        map[y * width + x] += falls[i];
        times[y * width + x]++;
      }
    }
  });
  for (let i = 0; i < map.length; i++) map[i] /= times[i];
}
