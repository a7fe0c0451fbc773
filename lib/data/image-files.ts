import { stat } from "node:fs/promises";
import { UserError } from "../core/errors";
import { mapParallel } from "../core/parallel";
import type { Area } from "./dataset";

/** Which square of the source image is taken, and at what size it is read. */
export interface Framing {
  /** Side of the center square in source pixels; the whole image by default. */
  readonly crop?: number;
  /** Height and width that images are resized to; not resampled by default. */
  readonly size?: number;
}

/** Width and height of an image file, pixels. */
export interface ImageShape {
  readonly width: number;
  readonly height: number;
  /** A JPEG file in plain RGB, without a color profile. */
  readonly plainJpeg?: boolean;
}

/** Larger images are refused before they are decoded, pixels. */
const largestImage = 100e6;

/** Endings of the files that are read as images. */
export const imageEndings = /\.(jpe?g|png|tiff?|webp|gif|bmp|avif)$/i;

async function load() {
  const { default: sharp } = await import("sharp");
  // Many small images decode best one thread an image; decoded ones are cached elsewhere.
  sharp.concurrency(1);
  sharp.cache(false);
  return sharp;
}

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
  const sharp = await load();
  try {
    const { width, height, format, space, hasProfile } = await sharp(path, {
      limitInputPixels: false,
    }).metadata();
    if (width * height > largestImage) {
      return `${width} × ${height} pixels, more than the ${largestImage / 1e6} million allowed`;
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
  framing: Framing,
): Promise<Uint8Array> {
  const sharp = await load();
  try {
    return await frame(sharp(path, { limitInputPixels: largestImage }), shape, framing)
      .toColorspace("srgb")
      .removeAlpha()
      .raw()
      .toBuffer();
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
  framing: Framing,
): Promise<Uint8Array[]> {
  if (paths.length === 0) return [];
  const areas = shapes.map((shape) => areaOf(shape, framing));
  const [{ width, height }] = areas;
  const resized = framing.size !== undefined && framing.size !== width;
  // Without a crop sharp is quick to resize: it decodes at half or a quarter of the size.
  const together =
    !(resized && framing.crop === undefined) &&
    shapes.every(({ plainJpeg }) => plainJpeg) &&
    areas.every((area) => area.width === width && area.height === height);
  const decoded = together
    ? (await import("./jpeg.js")).decodeJpegs(paths, shapes, areas)
    : undefined;
  if (decoded !== undefined && !resized) return decoded;
  return mapParallel(paths, 8, (path, i) =>
    decoded === undefined
      ? decodeImage(path, shapes[i], framing)
      : reframe(decoded[i], { width, height }, { size: framing.size }),
  );
}

/** Crop and resize pixels that are decoded already. */
export async function reframe(
  pixels: Uint8Array,
  shape: ImageShape,
  framing: Framing,
): Promise<Uint8Array> {
  const { width, height } = shape;
  const area = areaOf(shape, framing);
  if (framing.size === undefined || framing.size === area.width) return cut(pixels, width, area);
  const sharp = await load();
  return frame(sharp(pixels, { raw: { width, height, channels: 3 } }), shape, framing)
    .raw()
    .toBuffer();
}

function cut(pixels: Uint8Array, width: number, area: Area): Uint8Array {
  const line = 3 * area.width;
  const out = new Uint8Array(area.height * line);
  for (let y = 0; y < area.height; y++) {
    const from = 3 * ((area.top + y) * width + area.left);
    out.set(pixels.subarray(from, from + line), y * line);
  }
  return out;
}

/** Height and width after framing. */
export function framedSize(shape: ImageShape, framing: Framing): [height: number, width: number] {
  const { left, top, width, height } = areaOf(shape, framing);
  if (framing.size !== undefined) return [framing.size, framing.size];
  return left === 0 && top === 0 ? [shape.height, shape.width] : [height, width];
}

/** @throws UserError when crop or size are no sizes of an image. */
export function checkFraming(framing: Framing): void {
  for (const key of ["crop", "size"] as const) {
    const value = framing[key];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= 10000)) {
      throw new UserError(
        `${key} is ${value}; expected a whole number of pixels, 1–10000.`,
        "Correct the value.",
      );
    }
  }
}

/** The part of the source that is kept: square as soon as a crop or a size is asked for. */
export function areaOf({ width, height }: ImageShape, { crop, size }: Framing): Area {
  if (crop === undefined && size === undefined) return { left: 0, top: 0, width, height };
  const side = Math.min(crop ?? Number.POSITIVE_INFINITY, width, height);
  return {
    left: Math.floor((width - side) / 2),
    top: Math.floor((height - side) / 2),
    width: side,
    height: side,
  };
}

function frame(image: import("sharp").Sharp, shape: ImageShape, framing: Framing) {
  const area = areaOf(shape, framing);
  const { size } = framing;
  const part =
    area.width === shape.width && area.height === shape.height ? image : image.extract(area);
  return size === undefined || size === area.width
    ? part
    : part.resize(size, size, { fit: "fill" });
}

function unreadable(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).split("\n")[0];
  return /unsupported image format/.test(message) ? "not an image" : `unreadable (${message})`;
}
