import { extname } from "node:path";
import { UserError } from "../core/errors";
import { writeFileAtomic } from "../io/atomic";
import type { FitsImage } from "./fits";
import { openFits } from "./fits-file";
import { type FitsRgbOptions, fitsPicture, type RgbPicture } from "./fits-image";

/**
 * A color picture of FITS files; see {@link fitsPicture} for how many, and how they are drawn.
 *
 * @throws UserError when a file cannot be read, or the files do not fit each other.
 */
export async function fitsRgb(
  paths: readonly string[],
  options: FitsRgbOptions = {},
): Promise<RgbPicture> {
  const images: FitsImage[] = [];
  for (const path of paths) {
    const file = await openFits(path);
    try {
      images.push(file.image(options.hdu));
    } finally {
      file.close();
    }
  }
  return fitsPicture(images, paths, options);
}

/** Write a picture; the ending of `path` says in which format (`.png`, `.jpg`, …). */
export async function writePicture(path: string, picture: RgbPicture): Promise<void> {
  const { default: sharp } = await import("sharp");
  const { pixels, width, height } = picture;
  const format = extname(path).slice(1).toLowerCase();
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  let bytes: Uint8Array;
  try {
    bytes = await image.toFormat(format as "png").toBuffer();
  } catch (cause) {
    throw new UserError(
      `${path}: cannot be written: no picture has the ending ".${format}".`,
      "Give a name that ends in .png or .jpg.",
      { cause },
    );
  }
  writeFileAtomic(path, bytes);
}
