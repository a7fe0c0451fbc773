import { UserError } from "../core/errors";
import { escapeHtml, show } from "./display";

/** How a grid of images is shown. */
export interface ShowImagesOptions {
  /** One caption an image, below it. */
  readonly captions?: readonly string[];
  /** Width of one image on the screen, CSS pixels. Default 120. */
  readonly width?: number;
  /** Images side by side; as many as fit when left out. */
  readonly columns?: number;
}

/**
 * Show images below the cell as a grid with captions; in a plain terminal, the captions.
 *
 * @param images uint8 RGB `[n, height, width, 3]`, row-major, as {@link Dataset.read} returns it.
 * @param size Height and width of one image, pixels.
 * @throws UserError when `images` is not a whole number of images, or captions are missing.
 */
export async function showImages(
  images: Uint8Array,
  size: readonly [height: number, width: number],
  options: ShowImagesOptions = {},
): Promise<void> {
  const [height, width] = size;
  const { captions, width: shown = 120, columns } = options;
  const count = images.length / (height * width * 3);
  if (!Number.isInteger(count)) {
    throw new UserError(
      `${images.length} values are not a whole number of ${height} × ${width} RGB images`,
      "give uint8 values [n, height, width, 3] and their height and width",
    );
  }
  if (captions && captions.length !== count) {
    throw new UserError(
      `there are ${captions.length} captions for ${count} images`,
      "give one caption an image, or none",
    );
  }
  const sources = await Promise.all(
    Array.from({ length: count }, (_, i) => encode(images, i, height, width, shown)),
  );
  const cells = sources.map((source, i) => {
    const caption = escapeHtml(captions?.[i] ?? "");
    return (
      `<figure style="margin:0;width:${shown}px">` +
      `<img src="${source}" width="${shown}" alt="${caption}" style="display:block">` +
      `<figcaption style="font-size:.8em;line-height:1.25;padding-top:2px;overflow-wrap:anywhere">${caption.replace(/[_/]/g, "$&<wbr>")}</figcaption>` +
      "</figure>"
    );
  });
  const repeat = columns ?? "auto-fill";
  show({
    "text/plain": `[${count} images${captions ? `: ${captions.join(", ")}` : ""}]`,
    "text/html":
      `<div style="display:grid;grid-template-columns:repeat(${repeat},${shown}px);gap:8px">` +
      `${cells.join("")}</div>`,
  });
}

/** One image as a data URI, with no more pixels than a dense screen shows. */
async function encode(
  images: Uint8Array,
  index: number,
  height: number,
  width: number,
  shown: number,
): Promise<string> {
  const { default: sharp } = await import("sharp");
  const pixels = images.subarray(index * height * width * 3, (index + 1) * height * width * 3);
  const jpeg = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize({ width: shown * 2, withoutEnlargement: true })
    .jpeg({ quality: 92, chromaSubsampling: "4:4:4" })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString("base64")}`;
}
