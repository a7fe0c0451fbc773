import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { unitRange } from "../engine/ops/pixels";
import type { Model } from "../models/module";
import { normalize } from "../predict/preprocess";

/** One map an image: what a method finds at each place. */
export interface Maps {
  /** float32 `[images, height, width]`, row-major. */
  readonly values: Float32Array;
  /** Height and width of one map: pixels, patches or cells of a feature map. */
  readonly size: readonly [height: number, width: number];
}

/** The map of one image: `[height, width]`. */
export function mapOf({ values, size }: Maps, image: number): Float32Array {
  const length = size[0] * size[1];
  return values.subarray(image * length, (image + 1) * length);
}

/** Maps from a function that computes a tensor `[images, height, width]`; nothing stays behind. */
export function computeMaps(compute: () => tf.Tensor): Maps {
  const maps = tf.tidy(compute);
  const [, height, width] = maps.shape;
  const values = maps.dataSync<"float32">() as Float32Array;
  maps.dispose();
  return { values, size: [height, width] };
}

/**
 * Pictures as a model wants them.
 *
 * @param pixels uint8 RGB `[images, height, width, 3]`, at the model's input size
 * @returns float32 `[images, height, width, 3]`, normalized; the caller's to dispose
 * @throws UserError when the pixels do not fill whole images
 */
export function modelImages(model: Model, pixels: Uint8Array): tf.Tensor4D {
  const [height, width] = model.inputSize;
  const count = pixels.length / (height * width * 3);
  if (!Number.isInteger(count) || count === 0) {
    throw new UserError(
      `${pixels.length} bytes are not a whole number of ${height} × ${width} RGB images`,
      `resize the images to ${model.name}'s ${height} × ${width} pixels`,
    );
  }
  return tf.tidy(() => {
    const values = tf.tensor4d(Float32Array.from(pixels), [count, height, width, 3]);
    return normalize(unitRange(values), model.preprocessing);
  });
}
