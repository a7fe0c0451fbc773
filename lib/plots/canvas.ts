// What is used here of a browser's own, whose types would be in the way elsewhere.
declare const OffscreenCanvas: new (
  width: number,
  height: number,
) => {
  getContext(kind: "2d"): { drawImage(image: object, x: number, y: number): void } | null;
  convertToBlob(options: { type: string; quality: number }): Promise<Blob>;
};
declare const ImageData: new (data: Uint8ClampedArray, width: number, height: number) => object;
declare const createImageBitmap: (
  image: object,
  options: { resizeWidth: number; resizeHeight: number; resizeQuality: "high" },
) => Promise<object>;

/** Whether this is a browser, or a worker of one. */
export function hasCanvas(): boolean {
  return typeof OffscreenCanvas !== "undefined";
}

/**
 * A picture as a file in base64, made smaller where it is larger than asked for; what a browser has in
 * place of sharp.
 *
 * @param pixels uint8 RGB, `[height, width, 3]`, row-major.
 * @param longest Longer side of the file's picture, pixels.
 */
export async function encodeByCanvas(
  pixels: Uint8Array | Uint8ClampedArray,
  [height, width]: readonly [height: number, width: number],
  longest: number,
  format: "jpeg" | "png",
): Promise<string> {
  const colors = new Uint8ClampedArray(height * width * 4).fill(255);
  for (let i = 0; i < height * width; i++) colors.set(pixels.subarray(3 * i, 3 * i + 3), 4 * i);
  const scale = Math.min(1, longest / Math.max(height, width));
  const [resizeHeight, resizeWidth] = [height, width].map((side) => Math.round(side * scale));
  const bitmap = await createImageBitmap(new ImageData(colors, width, height), {
    resizeWidth,
    resizeHeight,
    resizeQuality: "high",
  });
  const canvas = new OffscreenCanvas(resizeWidth, resizeHeight);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  const file = await canvas.convertToBlob({ type: `image/${format}`, quality: 0.92 });
  let bytes = "";
  for (const byte of new Uint8Array(await file.arrayBuffer())) bytes += String.fromCharCode(byte);
  return btoa(bytes);
}
