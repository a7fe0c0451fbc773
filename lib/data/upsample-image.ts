import type Sharp from "sharp";
import { resizeImage } from "../core/resize";
import type { View } from "./dataset";
import type { Area } from "./view";

let sharp: Promise<typeof Sharp> | undefined;

/** The library that decodes and resizes, as it is used here. */
export function loadSharp(): Promise<typeof Sharp> {
  sharp ??= import("sharp").then(({ default: library }) => {
    // Many small images decode best one thread an image; decoded ones are cached elsewhere.
    library.concurrency(1);
    library.cache(false);
    return library;
  });
  return sharp;
}

/** A part of an image. */
export function cutOut(pixels: Uint8Array, width: number, area: Area): Uint8Array {
  const line = 3 * area.width;
  const out = new Uint8Array(area.height * line);
  for (let y = 0; y < area.height; y++) {
    const from = 3 * ((area.top + y) * width + area.left);
    out.set(pixels.subarray(from, from + line), y * line);
  }
  return out;
}

/** Pixels around an image that are enlarged with it: the reach of a cubic kernel. */
const BORDER = 2;

/**
 * Enlarge a square. Sharp's own `resize` moves what it enlarges by half a pixel to the lower right;
 * its affine transform is told where to put it.
 */
export async function upsample(
  pixels: Uint8Array,
  side: number,
  { size = side, interpolation }: View,
): Promise<Uint8Array> {
  if (interpolation === "nearest") {
    return Uint8Array.from(resizeImage(pixels, [side, side], [size, size], 3, "nearest"));
  }
  const sharp = await loadSharp();
  const factor = size / side;
  const width = side + 2 * BORDER;
  const corner = Math.floor(factor * BORDER);
  // Pixels are squares with their value in the middle; the corner comes to a whole pixel.
  const offset = (factor - 1) / 2 - (factor * BORDER - corner);
  const raw = { width, height: width, channels: 3 } as const;
  const { data, info } = await sharp(bordered(pixels, side), { raw })
    .affine([factor, 0, 0, factor], {
      interpolator: interpolation === "bilinear" ? "bilinear" : "bicubic",
      odx: offset,
      ody: offset,
    })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return cutOut(data, info.width, { left: corner, top: corner, width: size, height: size });
}

/** A square with its outermost pixels repeated around it. */
function bordered(pixels: Uint8Array, side: number): Uint8Array {
  const width = side + 2 * BORDER;
  const out = new Uint8Array(3 * width * width);
  const inside = (at: number) => Math.min(Math.max(at - BORDER, 0), side - 1);
  for (let y = 0; y < width; y++) {
    const from = 3 * side * inside(y);
    const to = 3 * width * y;
    for (let x = 0; x < width; x++) {
      out.set(pixels.subarray(from + 3 * inside(x), from + 3 * inside(x) + 3), to + 3 * x);
    }
  }
  return out;
}
