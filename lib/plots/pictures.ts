import { UserError } from "../core/errors";

/** How {@link pictureUris} stores pictures. */
export interface PictureOptions {
  /** Longer side of the stored picture, pixels; never enlarged. Default 200: 300 dpi at 17 mm. */
  readonly longest?: number;
  /** `jpeg` for photographs, `png` where every pixel counts, as in small maps. Default: `jpeg`. */
  readonly format?: "jpeg" | "png";
}

/**
 * Pictures of equal size as data URIs that a figure can hold.
 *
 * @param pixels uint8 RGB, `[n, height, width, 3]`, row-major.
 * @returns One URI an image.
 * @throws UserError where the pixels do not fill whole images.
 */
export async function pictureUris(
  pixels: Uint8Array | Uint8ClampedArray,
  [height, width]: readonly [height: number, width: number],
  { longest = 200, format = "jpeg" }: PictureOptions = {},
): Promise<string[]> {
  const { default: sharp } = await import("sharp");
  const size = height * width * 3;
  if (size === 0 || pixels.length % size !== 0)
    throw new UserError(
      `${pixels.length} bytes are not a whole number of ${height} × ${width} RGB images`,
      "Pass uint8 pixels of shape [n, height, width, 3].",
    );
  const uris: string[] = [];
  for (let at = 0; at < pixels.length; at += size) {
    const image = sharp(pixels.subarray(at, at + size), {
      raw: { width, height, channels: 3 },
    }).resize({ width: longest, height: longest, fit: "inside", withoutEnlargement: true });
    const file =
      format === "png"
        ? image.png({ compressionLevel: 9 })
        : image.jpeg({ quality: 92, chromaSubsampling: "4:4:4" });
    uris.push(`data:image/${format};base64,${(await file.toBuffer()).toString("base64")}`);
  }
  return uris;
}
