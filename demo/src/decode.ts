import { UserError } from "#lib/core/errors";
import { type FitsImage, readFits } from "#lib/data/fits";
import { fitsPicture } from "#lib/data/fits-image";
import type { Pictures } from "#lib/predict/image-batch";

/** How a FITS image is stretched; see `LuptonOptions`. All in units of the image's own spread. */
export interface Stretch {
  /** Draw a cube of g, r, z as the Legacy Survey viewer does, whatever the others say. */
  readonly legacy: boolean;
  /** What is shown black, spreads above the median. */
  readonly black: number;
  /** Width of the linear part, powers of ten of the spread. */
  readonly stretch: number;
  /** Asinh softening. */
  readonly Q: number;
}

/** What galaxies mostly look well with. */
export const usualStretch: Stretch = { legacy: true, black: 0, stretch: 1, Q: 8 };

/** One picture, and whether it can be stretched anew. */
export interface Decoded extends Pictures {
  /** Of FITS: its planes. Default: it is none. */
  readonly fitsPlanes?: number;
}

const MOST_BYTES = 256 * 2 ** 20;
const MOST_PIXELS = 64e6;
const LEAST_SIDE = 8;

/** What the first bytes of files say that browsers do not draw. */
const others: readonly [name: string, test: (start: string) => boolean][] = [
  ["a TIFF image", (s) => s.startsWith("II*\0") || s.startsWith("MM\0*")],
  ["an HDF5 file", (s) => s.startsWith("\x89HDF")],
  ["packed by bzip2", (s) => s.startsWith("BZh")],
  ["a zip archive", (s) => s.startsWith("PK\x03\x04")],
  ["a PDF", (s) => s.startsWith("%PDF")],
];

/**
 * A file as a picture: whatever the browser draws, or FITS, packed by gzip or not.
 *
 * @throws UserError for what is no picture, or too large or small a one
 */
export async function decode(file: File, stretch: Stretch = usualStretch): Promise<Decoded> {
  const { name } = file;
  if (file.size > MOST_BYTES) {
    const mebibytes = Math.round(file.size / 2 ** 20);
    throw new UserError(
      `${name} has ${mebibytes} MiB`,
      "cut the galaxy out of it first: 256 are read",
    );
  }
  const start = String.fromCharCode(...new Uint8Array(await file.slice(0, 9).arrayBuffer()));
  if (start.startsWith("SIMPLE  =")) return decodeFits(name, await bytesOf(file), stretch);
  if (start.startsWith("\x1f\x8b")) {
    return decodeFits(name, await unpacked(file), stretch);
  }
  const other = others.find(([, test]) => test(start));
  if (other !== undefined) {
    throw new UserError(`${name} is ${other[0]}, which is not read here`, "save it as PNG or JPEG");
  }
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch (cause) {
    const remedy = "give a PNG, JPEG, WebP, GIF or FITS file";
    throw new UserError(`${name} is no picture that can be read`, remedy, { cause });
  }
  try {
    const { width, height } = bitmap;
    checkSize(name, width, height);
    const context = new OffscreenCanvas(width, height).getContext("2d");
    if (context === null) throw new Error("no canvas");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const pixels = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; from < data.length; from += 4) {
      pixels[to++] = data[from];
      pixels[to++] = data[from + 1];
      pixels[to++] = data[from + 2];
    }
    return { pixels, size: [height, width] };
  } finally {
    bitmap.close();
  }
}

function checkSize(name: string, width: number, height: number): void {
  if (Math.min(width, height) < LEAST_SIDE) {
    const problem = `${name} has ${width} × ${height} pixels, too few to show a galaxy`;
    throw new UserError(problem, `give at least ${LEAST_SIDE} × ${LEAST_SIDE}`);
  }
  if (width * height > MOST_PIXELS) {
    const problem = `${name} has ${width} × ${height} pixels`;
    throw new UserError(problem, "cut the galaxy out of it first: 64 million are read");
  }
}

const bytesOf = async (file: Blob) => new Uint8Array(await file.arrayBuffer());

async function unpacked(file: File): Promise<Uint8Array> {
  try {
    const stream = file.stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (cause) {
    throw new UserError(`${file.name} cannot be unpacked`, "download it again", { cause });
  }
}

function decodeFits(name: string, bytes: Uint8Array, wanted: Stretch): Decoded {
  const image = readFits(name, bytes).image();
  const [height, width] = image.shape.slice(-2);
  checkSize(name, width, height);
  const fitsPlanes = image.shape.length === 3 ? image.shape[0] : 1;
  const legacy = wanted.legacy && fitsPlanes === 3;
  const picture = fitsPicture([image], [name], legacy ? {} : luptonOptions(image, wanted));
  return { pixels: picture.pixels, size: [picture.height, picture.width], fitsPlanes };
}

/** In the image's own unit: its median, and the spread of its pixels above it. */
function luptonOptions({ values }: FitsImage, { black, stretch, Q }: Stretch) {
  const step = Math.max(1, Math.floor(values.length / 50_000));
  const some: number[] = [];
  for (let i = 0; i < values.length; i += step)
    if (Number.isFinite(values[i])) some.push(values[i]);
  some.sort((a, b) => a - b);
  const at = (share: number) => some[Math.floor(share * (some.length - 1))] ?? 0;
  // From the median down, where galaxies add nothing.
  const spread = Math.max(at(0.5) - at(0.16), Math.abs(at(0.5)) * 1e-6, Number.MIN_VALUE * 1e10);
  return { minimum: at(0.5) + black * spread, stretch: 10 ** stretch * spread, Q };
}
