import { stat } from "node:fs/promises";
import { UserError } from "../core/errors";
import { mapParallel } from "../core/parallel";
import type { Interpolation } from "../core/resize";
import type { View } from "./dataset";
import { cutOut, loadSharp, upsample } from "./upsample-image";
import { areaOf, type Extent } from "./view";

/** What an image file's header says. */
export interface ImageShape extends Extent {
  /** Whether it is a JPEG file in plain RGB, without a color profile. */
  readonly plainJpeg?: boolean;
}

/** Larger images are refused before they are decoded, pixels. */
const largestImage = 100e6;
/** Up to so many pixels whatever the file's size; above, no more than so many a byte: a file may lie. */
const [plausibleImage, mostPixelsAByte] = [16e6, 1000];

/**
 * Which faults of a file sharp refuses: those that the native decoder refuses too, such as a file that
 * is cut off, but not those that both read over.
 */
const failOn = "error";

/** Endings of the files that are read as images. */
export const imageEndings = /\.(jpe?g|png|tiff?|webp|gif|bmp|avif)$/i;

/**
 * Look at the header of an image file.
 *
 * @returns Its shape, or what is wrong with the file, in words.
 */
export async function probeImage(path: string): Promise<ImageShape | string> {
  if (!imageEndings.test(path)) return "not an image file";
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return "no such file";
  if (found.size === 0) return "empty (0 bytes)";
  const sharp = await loadSharp();
  try {
    const { width, height, format, space, hasProfile } = await sharp(path, {
      limitInputPixels: false,
      failOn,
    }).metadata();
    if (width * height > largestImage) {
      return `${width} × ${height} pixels, more than the ${largestImage / 1e6} million allowed`;
    }
    if (width * height > Math.max(plausibleImage, mostPixelsAByte * found.size)) {
      return `${width} × ${height} pixels in ${found.size} bytes, which no picture has`;
    }
    return { width, height, plainJpeg: format === "jpeg" && space === "srgb" && !hasProfile };
  } catch (error) {
    return unreadable(error);
  }
}

/**
 * Decode an image file: center crop, then resize, in sharp's threads.
 *
 * @param shape As {@link probeImage} found it.
 * @returns uint8 RGB, row-major.
 * @throws UserError naming the file when it cannot be decoded.
 */
export async function decodeImage(
  path: string,
  shape: ImageShape,
  view: View,
): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const area = areaOf(shape, view);
  const larger = view.size !== undefined && view.size > area.width;
  try {
    const image = show(
      sharp(path, { limitInputPixels: largestImage, failOn }),
      shape,
      view,
      larger,
    );
    const pixels = await image.toColorspace("srgb").removeAlpha().raw().toBuffer();
    return larger ? await upsample(pixels, area.width, view) : pixels;
  } catch (error) {
    throw new UserError(
      `${path}: ${unreadable(error)}.`,
      "Replace or delete the file, or ask for bad files to be skipped.",
      { cause: error },
    );
  }
}

/**
 * Decode many image files. Plain JPEG files of one size are decoded together by the native engine where
 * it runs, with the same result.
 *
 * @throws UserError naming the first file that cannot be decoded.
 */
export async function decodeImages(
  paths: readonly string[],
  shapes: readonly ImageShape[],
  view: View,
): Promise<Uint8Array[]> {
  if (paths.length === 0) return [];
  const areas = shapes.map((shape) => areaOf(shape, view));
  const [{ width, height }] = areas;
  const resized = view.size !== undefined && view.size !== width;
  // Without a crop sharp is quick to resize: it decodes at half or a quarter of the size.
  const together =
    !(resized && view.crop === undefined) &&
    shapes.every(({ plainJpeg }) => plainJpeg) &&
    areas.every((area) => area.width === width && area.height === height);
  const decoded = together
    ? (await import("../engine/decode-jpegs.js")).decodeJpegs(paths, shapes, areas)
    : undefined;
  if (decoded !== undefined && !resized) return decoded;
  return mapParallel(paths, 8, (path, i) =>
    decoded === undefined
      ? decodeImage(path, shapes[i], view)
      : cropResize(
          decoded[i],
          { width, height },
          { size: view.size, interpolation: view.interpolation },
        ),
  );
}

/**
 * Crop and resize pixels that are decoded already.
 *
 * @param pixels uint8 RGB `[height, width, 3]`
 * @returns uint8 RGB, of the height and width that the view shows
 */
export async function cropResize(
  pixels: Uint8Array,
  { width, height }: Extent,
  view: View,
): Promise<Uint8Array> {
  const area = areaOf({ width, height }, view);
  const { size = area.width } = view;
  if (size >= area.width) {
    const part = cutOut(pixels, width, area);
    return size > area.width ? upsample(part, area.width, view) : part;
  }
  const sharp = await loadSharp();
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return show(image, { width, height }, view).raw().toBuffer();
}

/**
 * Resize images that are cropped already, one after another in memory.
 *
 * @param pixels uint8 RGB `[count, height, width, 3]`
 * @returns uint8 RGB `[count, size, size, 3]`, or the pixels themselves where nothing changes
 */
export async function resizeAll(
  pixels: Uint8Array,
  { width, height }: Extent,
  { size, interpolation }: View,
): Promise<Uint8Array> {
  if (size === undefined || (size === width && size === height)) return pixels;
  const [before, after] = [3 * width * height, 3 * size * size];
  const out = new Uint8Array((pixels.length / before) * after);
  const places = Array.from({ length: pixels.length / before }, (_, place) => place);
  await mapParallel(places, 8, async (place) => {
    const one = pixels.subarray(place * before, (place + 1) * before);
    out.set(await cropResize(one, { width, height }, { size, interpolation }), place * after);
  });
  return out;
}

/** What sharp calls each interpolation. */
const kernels = {
  nearest: "nearest",
  bilinear: "linear",
  bicubic: "cubic",
  lanczos: "lanczos3",
} as const satisfies Record<Interpolation, string>;

function show(image: import("sharp").Sharp, shape: Extent, view: View, cutOnly = false) {
  const area = areaOf(shape, view);
  const { size, interpolation = "lanczos" } = view;
  const part =
    area.width === shape.width && area.height === shape.height ? image : image.extract(area);
  if (size === undefined || size === area.width || cutOnly) return part;
  return part.resize(size, size, {
    fit: "fill",
    kernel: kernels[interpolation],
    // Decoding at a half or a quarter of the size averages, which nearest must not.
    fastShrinkOnLoad: interpolation !== "nearest",
  });
}

function unreadable(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).split("\n")[0];
  return /unsupported image format/.test(message) ? "not an image" : `unreadable (${message})`;
}
