import { UserError } from "../core/errors";
import type { FitsImage } from "./fits";
import { type LuptonOptions, legacyRgb, luptonRgb } from "./lupton";

/** How FITS images become a picture. */
export interface FitsRgbOptions extends LuptonOptions {
  /** HDU to read from each file, by number (the primary one is 0) or name; the first image by default. */
  readonly hdu?: number | string;
  /** Put the last row of the file on top, so that north is up in most images; true by default. */
  readonly flip?: boolean;
}

/** A picture: uint8 RGB, row-major. */
export interface RgbPicture {
  /** `[height, width, 3]`, 0–255. */
  readonly pixels: Uint8Array;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/**
 * A color picture of FITS images: of three files for red, green, blue (say i, r, g), of one cube of
 * three planes g, r, z in nanomaggies as the Legacy Survey cuts them out, or gray of a single plane.
 *
 * Three files and gray are stretched by Lupton's asinh. A cube is drawn as the Legacy Survey viewer
 * does, unless a stretch or Q is given: then its planes z, r, g are red, green, blue.
 *
 * @param names Of the files, for messages.
 * @throws UserError when the images do not fit each other.
 */
export function fitsPicture(
  images: readonly FitsImage[],
  names: readonly string[],
  options: Omit<FitsRgbOptions, "hdu"> = {},
): RgbPicture {
  const shape = images[0]?.shape ?? [];
  const other = images.findIndex((image) => String(image.shape) !== String(shape));
  if (other > 0) {
    throw new UserError(
      `${names[other]}: ${images[other].shape.join(" × ")} pixels, but ${names[0]} has ` +
        `${shape.join(" × ")}.`,
      "Give three images of one field at one scale.",
    );
  }
  const [height, width] = shape.slice(-2);
  const plane = (i: number) =>
    images[0].values.subarray(i * width * height, (i + 1) * width * height);
  const planes = shape.length === 3 ? shape[0] : shape.length === 2 ? 1 : 0;
  let pixels: Uint8Array;
  if (images.length === 3 && planes === 1) {
    const [red, green, blue] = images.map((image) => image.values);
    pixels = luptonRgb(red, green, blue, options);
  } else if (images.length === 1 && planes === 3) {
    const legacy = options.stretch === undefined && options.Q === undefined;
    pixels = legacy
      ? legacyRgb(plane(0), plane(1), plane(2))
      : luptonRgb(plane(2), plane(1), plane(0), options);
  } else if (images.length === 1 && planes === 1) {
    pixels = luptonRgb(plane(0), plane(0), plane(0), options);
  } else {
    throw new UserError(
      `${names.join(", ")}: ${images.length} files of ${shape.join(" × ")} pixels.`,
      "Give one image, one cube of three planes g, r, z, or three images for red, green and blue.",
    );
  }
  if (options.flip ?? true) flipRows(pixels, width * 3);
  return { pixels, width, height };
}

/** Turn a picture upside down, in place; `stride` is the length of a row. */
export function flipRows(pixels: Uint8Array, stride: number): void {
  const height = pixels.length / stride;
  for (let top = 0, bottom = height - 1; top < bottom; top++, bottom--) {
    const row = pixels.slice(top * stride, (top + 1) * stride);
    pixels.copyWithin(top * stride, bottom * stride, (bottom + 1) * stride);
    pixels.set(row, bottom * stride);
  }
}
