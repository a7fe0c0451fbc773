import { UserError } from "../core/errors";
import { ditherOf, ZERO_VALUE } from "./fits-dither";
import type { FitsBytes, FitsHdu } from "./fits-hdus";
import type { FitsHeader } from "./fits-header";
import { numberReader, pixelArray } from "./fits-pixels";
import { unpackRice } from "./fits-rice";
import { type Field, listFields } from "./fits-table";

/** No method packs more: gzip reaches 1,032 to one. A header that claims more is wrong. */
const largestRatio = 1100;

/** Shape of an image that is compressed in tiles, fastest axis last. */
export function tiledShape(header: FitsHeader): number[] {
  return Array.from({ length: axesOf(header) }, (_, i) =>
    header.number(`ZNAXIS${i + 1}`, 0),
  ).reverse();
}

/**
 * Pixels of an image that is compressed in tiles (`.fits.fz`): RICE_1, GZIP_1 and GZIP_2, integers or
 * floats, the latter as they were or quantized, with and without dithering.
 *
 * @throws UserError naming another method of compression, or when the data are damaged
 * @see Pence et al. 2010, A&A 524, A42; FITS 4.0, section 10
 */
export function readTiles(
  path: string,
  hdu: FitsHdu,
  bytes: FitsBytes,
): Float32Array | Float64Array {
  const { header } = hdu;
  const method = header.text("ZCMPTYPE").trim();
  if (!/^(RICE_1|RICE_ONE|GZIP_1|GZIP_2|NOCOMPRESS)$/.test(method)) {
    throw new UserError(
      `${path}: its image is compressed by ${method || "an unnamed method"}, which is not read.`,
      "Unpack it first, for example by funpack, which comes with CFITSIO.",
    );
  }
  const damaged = (what: string): never => {
    throw new UserError(`${path}: its compressed image is damaged: ${what}.`, "Download it again.");
  };
  const bitpix = header.number("ZBITPIX", 0);
  const axes = tiledShape(header).reverse();
  const sides = axes.map((axis, i) => header.number(`ZTILE${i + 1}`, i === 0 ? axis : 1));
  const count = axes.reduce((a, b) => a * b, 1);
  const whole = [...axes, ...sides].every((n) => Number.isInteger(n) && n > 0);
  if (!whole || axes.length === 0 || ![8, 16, 32, 64, -32, -64].includes(bitpix)) {
    damaged(`ZBITPIX ${bitpix}, axes ${axes.join(" × ")} in tiles of ${sides.join(" × ")}`);
  }
  const along = axes.map((axis, i) => Math.ceil(axis / sides[i]));
  const tiles = along.reduce((a, b) => a * b, 1);
  const [rows, width] = hdu.shape;
  if (tiles !== rows) damaged(`${rows} tiles of ${tiles}`);
  if ((count * Math.abs(bitpix)) / 8 > largestRatio * hdu.heap) {
    damaged(`${axes.join(" × ")} pixels in ${hdu.heap} bytes`);
  }
  const table = bytes.read(hdu.offset, hdu.length);
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const fields = new Map(listFields(path, header).map((field) => [field.name, field]));
  for (const { name, offset, size } of fields.values()) {
    if (offset + size > width) damaged(`column ${name} lies outside its rows`);
  }
  const cell = (name: string, row: number): Uint8Array | undefined => {
    const field = fields.get(name);
    if (field === undefined || !"PQ".includes(field.type)) return undefined;
    const at = row * width + field.offset;
    const get = (i: number) =>
      field.type === "P" ? view.getUint32(at + 4 * i) : Number(view.getBigUint64(at + 8 * i));
    const length = get(0) * field.itemSize;
    if (length === 0) return undefined;
    const from = header.number("THEAP", hdu.length) + get(1);
    if (from + length > hdu.heap) damaged(`tile ${row + 1} lies outside the file`);
    return bytes.read(hdu.offset + from, length);
  };
  const unzip = (packed: Uint8Array, pixels: number, row: number): Uint8Array => {
    if (bytes.gunzip === undefined) {
      throw new UserError(
        `${path}: its image is compressed by gzip, which is not read here.`,
        "Unpack it first, for example by funpack, which comes with CFITSIO.",
      );
    }
    return bytes.gunzip(packed, 8 * pixels) ?? damaged(`tile ${row + 1} cannot be unpacked`);
  };
  const numberOf = (name: string, row: number): number | undefined => {
    const field = fields.get(name);
    if (field !== undefined) return readNumber(view, field, row * width + field.offset);
    const value = header.get(name);
    return typeof value === "number" ? value : undefined;
  };

  /** Stored numbers of a tile, and whether they are floats as they were. */
  const storedTile = (
    row: number,
    pixels: number,
  ): { values: ArrayLike<number>; plain: boolean } => {
    const packed = cell("COMPRESSED_DATA", row);
    if (packed !== undefined && method.startsWith("RICE")) {
      const size = setting(header, "BYTEPIX", 4);
      const block = setting(header, "BLOCKSIZE", 32);
      if ((size !== 1 && size !== 2 && size !== 4) || !(Number.isInteger(block) && block > 0)) {
        return damaged(`BYTEPIX ${size}, BLOCKSIZE ${block}`);
      }
      const values = unpackRice(packed, pixels, size, block);
      return { values: values ?? damaged(`tile ${row + 1} breaks off`), plain: false };
    }
    const lossless = packed === undefined ? cell("GZIP_COMPRESSED_DATA", row) : undefined;
    const raw =
      packed !== undefined
        ? method === "NOCOMPRESS"
          ? packed
          : unzip(packed, pixels, row)
        : lossless !== undefined
          ? unzip(lossless, pixels, row)
          : (cell("UNCOMPRESSED_DATA", row) ?? damaged(`tile ${row + 1} is missing`));
    const size = raw.length / pixels;
    if (![1, 2, 4, 8].includes(size)) damaged(`tile ${row + 1} has ${raw.length} bytes`);
    const data = packed !== undefined && method === "GZIP_2" ? unshuffle(raw, size) : raw;
    const quantized = packed !== undefined && numberOf("ZSCALE", row) !== undefined;
    const plain = bitpix < 0 && !quantized;
    if (plain && size !== -bitpix / 8) damaged(`tile ${row + 1} has ${raw.length} bytes`);
    const get = numberReader(
      new DataView(data.buffer, data.byteOffset, data.byteLength),
      plain ? bitpix : 8 * size,
    );
    return { values: Float64Array.from({ length: pixels }, (_, i) => get(i * size)), plain };
  };

  const out = pixelArray(bitpix, count);
  const [bscale, bzero] = [header.number("BSCALE", 1), header.number("BZERO", 0)];
  const how = header.text("ZQUANTIZ").trim();
  for (let row = 0; row < tiles; row++) {
    const places = tilePlaces(row, axes, sides, along);
    const { values, plain } = storedTile(row, places.count);
    const blank = numberOf("ZBLANK", row) ?? header.get("BLANK");
    const dither = how.startsWith("SUBTRACTIVE_DITHER")
      ? ditherOf(row + header.number("ZDITHER0", 1) - 1)
      : undefined;
    const scale = bitpix < 0 ? (numberOf("ZSCALE", row) ?? 1) : bscale;
    const zero = bitpix < 0 ? (numberOf("ZZERO", row) ?? 0) : bzero;
    places.each((to, i) => {
      const stored = values[i];
      const offset = dither === undefined ? 0 : 0.5 - dither();
      if (plain) out[to] = bzero + bscale * stored;
      else if (stored === blank) out[to] = Number.NaN;
      else if (bitpix > 0) out[to] = zero + scale * stored;
      else if (how === "SUBTRACTIVE_DITHER_2" && stored === ZERO_VALUE) out[to] = 0;
      else out[to] = (stored + offset) * scale + zero;
    });
  }
  return out;
}

function axesOf(header: FitsHeader): number {
  const axes = header.number("ZNAXIS", 0);
  return Number.isInteger(axes) && axes >= 0 && axes <= 999 ? axes : 0;
}

/** A parameter of the method: ZVALn of the ZNAMEn that is called so. */
function setting(header: FitsHeader, name: string, fallback: number): number {
  for (let i = 1; header.get(`ZNAME${i}`) !== undefined; i++) {
    if (header.text(`ZNAME${i}`).trim() === name) return header.number(`ZVAL${i}`, fallback);
  }
  return fallback;
}

function readNumber(view: DataView, field: Field, at: number): number | undefined {
  const bitpix = { B: 8, I: 16, J: 32, K: 64, E: -32, D: -64 }[field.type];
  return bitpix === undefined ? undefined : numberReader(view, bitpix)(at);
}

/** GZIP_2 stores the first bytes of all numbers, then their second bytes, and so on. */
function unshuffle(raw: Uint8Array, size: number): Uint8Array {
  const count = raw.length / size;
  const out = new Uint8Array(raw.length);
  for (let byte = 0; byte < size; byte++) {
    for (let i = 0; i < count; i++) out[i * size + byte] = raw[byte * count + i];
  }
  return out;
}

/** Where the pixels of a tile go in the image; tiles at an edge are cut off there. */
function tilePlaces(
  tile: number,
  axes: readonly number[],
  sides: readonly number[],
  along: readonly number[],
) {
  const starts: number[] = [];
  const lengths: number[] = [];
  let rest = tile;
  for (const [i, axis] of axes.entries()) {
    const start = (rest % along[i]) * sides[i];
    rest = Math.floor(rest / along[i]);
    starts.push(start);
    lengths.push(Math.min(sides[i], axis - start));
  }
  const count = lengths.reduce((a, b) => a * b, 1);
  return {
    count,
    each(use: (to: number, i: number) => void): void {
      for (let i = 0; i < count; i++) {
        let [left, to, stride] = [i, 0, 1];
        for (const [axis, length] of lengths.entries()) {
          to += (starts[axis] + (left % length)) * stride;
          left = Math.floor(left / length);
          stride *= axes[axis];
        }
        use(to, i);
      }
    },
  };
}
