import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { resizeImage } from "../core/resize";
import { unitRange } from "../engine/ops/pixels";
import type { Model } from "../models/module";
import { normalize } from "./preprocess";

/** Pictures of equal size. */
export interface Pictures {
  /** uint8 RGB `[pictures, height, width, 3]`. */
  readonly pixels: Uint8Array;
  /** Of one picture, pixels. */
  readonly size: readonly [height: number, width: number];
}

/** One of them. */
export function pictureOf({ pixels, size }: Pictures, index: number): Pictures {
  const length = size[0] * size[1] * 3;
  return { pixels: pixels.subarray(index * length, (index + 1) * length), size };
}

/** How many there are. @throws UserError when the pixels do not fill them. */
export function pictureCount({ pixels, size }: Pictures): number {
  const count = pixels.length / (size[0] * size[1] * 3);
  if (Number.isInteger(count) && count > 0) return count;
  throw new UserError(
    `${pixels.length} bytes are not a whole number of ${size.join(" × ")} RGB images`,
    "give uint8 pixels [pictures, height, width, 3] and their height and width",
  );
}

/**
 * Pictures as a model wants them: the largest part in the middle that has the shape of the model's
 * input, resized by the model's interpolation and normalized.
 *
 * @returns float32 `[pictures, height, width, 3]`; the caller's to dispose
 * @throws UserError when the pixels do not fill whole pictures
 */
export function modelImages(model: Model, pictures: Pictures): tf.Tensor4D {
  const count = pictureCount(pictures);
  const [height, width] = model.inputSize;
  const values = new Float32Array(count * height * width * 3);
  for (let i = 0; i < count; i++) {
    const one = fit(pictureOf(pictures, i), model);
    values.set(one, i * one.length);
  }
  return tf.tidy(() =>
    normalize(unitRange(tf.tensor4d(values, [count, height, width, 3])), model.preprocessing),
  );
}

/** uint8 `[height, width, 3]` at the model's input size, as reading a file at that size gives it. */
function fit({ pixels, size: [height, width] }: Pictures, model: Model): ArrayLike<number> {
  const [toHeight, toWidth] = model.inputSize;
  if (height === toHeight && width === toWidth) return pixels;
  const scale = Math.min(height / toHeight, width / toWidth);
  const [rows, columns] = [Math.round(toHeight * scale), Math.round(toWidth * scale)];
  const [top, left] = [Math.floor((height - rows) / 2), Math.floor((width - columns) / 2)];
  const part = new Uint8Array(rows * columns * 3);
  for (let y = 0; y < rows; y++) {
    const from = ((top + y) * width + left) * 3;
    part.set(pixels.subarray(from, from + columns * 3), y * columns * 3);
  }
  const { interpolation } = model.preprocessing;
  return Uint8ClampedArray.from(
    resizeImage(part, [rows, columns], [toHeight, toWidth], 3, interpolation),
  );
}
