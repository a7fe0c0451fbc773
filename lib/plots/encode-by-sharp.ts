import sharp from "sharp";

/** As `encodeByCanvas`, where there is no browser; a bundle for one leaves this file out. */
export async function encodeBySharp(
  pixels: Uint8Array | Uint8ClampedArray,
  [height, width]: readonly [height: number, width: number],
  longest: number,
  format: "jpeg" | "png",
): Promise<string> {
  const image = sharp(pixels, { raw: { width, height, channels: 3 } }).resize({
    width: longest,
    height: longest,
    fit: "inside",
    withoutEnlargement: true,
  });
  const file =
    format === "png"
      ? image.png({ compressionLevel: 9 })
      : image.jpeg({ quality: 92, chromaSubsampling: "4:4:4" });
  return (await file.toBuffer()).toString("base64");
}
