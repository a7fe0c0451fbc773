import { UserError } from "../core/errors";
import { encodeByCanvas, hasCanvas } from "./canvas";

/** How {@link pictureUris} stores pictures. */
export interface PictureOptions {
  /** Longer side of the stored picture, pixels; never enlarged. Default 200: 300 dpi at 17 mm. */
  readonly longest?: number;
  /** `jpeg` for photographs, `png` where every pixel counts, as in small maps. Default: `jpeg`. */
  readonly format?: "jpeg" | "png";
}

/** Height and width in pixels. */
type Size = readonly [height: number, width: number];

/**
 * Pictures of equal size as data URIs that a figure can hold.
 *
 * @param pixels uint8 RGB, `[n, height, width, 3]`, row-major.
 * @returns One URI an image.
 * @throws UserError where the pixels do not fill whole images.
 */
export async function pictureUris(
  pixels: Uint8Array | Uint8ClampedArray,
  [height, width]: Size,
  { longest = 200, format = "jpeg" }: PictureOptions = {},
): Promise<string[]> {
  const size = height * width * 3;
  if (size === 0 || pixels.length % size !== 0)
    throw new UserError(
      `${pixels.length} bytes are not a whole number of ${height} × ${width} RGB images`,
      "Pass uint8 pixels of shape [n, height, width, 3].",
    );
  const encode = hasCanvas()
    ? encodeByCanvas
    : (await import("./encode-by-sharp.js")).encodeBySharp;
  const uris: string[] = [];
  for (let at = 0; at < pixels.length; at += size) {
    const image = pixels.subarray(at, at + size);
    uris.push(
      `data:image/${format};base64,${await encode(image, [height, width], longest, format)}`,
    );
  }
  return uris;
}
