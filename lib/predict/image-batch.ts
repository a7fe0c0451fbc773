import type * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { cropResize } from "../data/image-files";
import { modelImages } from "../explain/maps";
import type { Model } from "../models/module";

/** Pictures of equal size. */
export interface Pictures {
  /** uint8 RGB `[pictures, height, width, 3]`. */
  readonly pixels: Uint8Array;
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
 * Pictures resized and normalized for a model.
 *
 * @returns float32 `[pictures, height, width, 3]`; the caller's to dispose
 */
export async function imagesFor(model: Model, pictures: Pictures): Promise<tf.Tensor4D> {
  const count = pictureCount(pictures);
  const [height, width] = pictures.size;
  const [side, across] = model.inputSize;
  if (height === side && width === across) return modelImages(model, pictures.pixels);
  const resized = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      cropResize(pictureOf(pictures, i).pixels, { width, height }, { size: side }),
    ),
  );
  return modelImages(model, new Uint8Array(Buffer.concat(resized)));
}
