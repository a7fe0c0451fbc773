import { UserError } from "../core/errors";
import type { Table } from "../core/table";
import { blockLength, type FitsHeader, latin1, parseHeader } from "./fits-header";
import { readFitsTable } from "./fits-table";

/** A header and data unit (HDU) of a FITS file. */
export interface FitsHdu {
  /** What its data are; `other` is not read, such as tables in text or compressed images. */
  readonly kind: "image" | "table" | "other";
  /** `EXTNAME`, or an empty text. */
  readonly name: string;
  /** Its keywords. */
  readonly header: FitsHeader;
  /** Axes with the fastest last, as in NumPy: [rows, columns], or [planes, rows, columns]. */
  readonly shape: readonly number[];
  /** Where its data begin in the file, bytes. */
  readonly offset: number;
  /** How long its data are, bytes, without what a table keeps behind its rows. */
  readonly length: number;
}

/** Pixels of a FITS image. */
export interface FitsImage {
  /** BZERO + BSCALE × stored value; NaN where the pixel is blank. First row first. */
  readonly values: Float32Array | Float64Array;
  /** Axes with the fastest last: [rows, columns], or [planes, rows, columns]. */
  readonly shape: readonly number[];
  /** Keywords of its HDU. */
  readonly header: FitsHeader;
}

/** Which part of a binary table is read. */
export interface FitsTableOptions {
  /** Number (the primary HDU is 0) or name of the HDU; by default the first that holds a table. */
  readonly hdu?: number | string;
  /** Names of the columns; all by default. */
  readonly columns?: readonly string[];
  /** First row, from 0; 0 by default. */
  readonly from?: number;
  /** Row after the last; by default the table's end. */
  readonly to?: number;
}

/** Bytes of a file, read where they are wanted, or of one that had to be unpacked. */
export interface FitsBytes {
  /** How many there are. */
  readonly size: number;
  /** Some of them; fewer where the file ends before. */
  read(offset: number, length: number): Uint8Array;
  /** Release the file. */
  close(): void;
}

/**
 * A FITS file of bytes that are in memory already, not packed.
 *
 * @param name For messages.
 * @throws UserError when it is not FITS, or ends before its data do
 */
export function readFits(name: string, bytes: Uint8Array): FitsFile {
  const read = (offset: number, length: number) => bytes.subarray(offset, offset + length);
  return new FitsFile(name, { size: bytes.length, read, close() {} });
}

/** A FITS file that is open. */
export class FitsFile {
  /** Its header and data units, the primary one first. */
  readonly hdus: readonly FitsHdu[];

  /** @internal Use `openFits` or {@link readFits}. */
  constructor(
    /** Where the file lies. */
    readonly path: string,
    private readonly bytes: FitsBytes,
  ) {
    this.hdus = listHdus(path, bytes);
  }

  /**
   * Read an image.
   *
   * @param which Number (the primary HDU is 0) or name of the HDU; by default the first that holds an
   * image.
   * @throws UserError when that HDU holds no image
   */
  image(which?: number | string): FitsImage {
    const hdu = this.hdu("image", which);
    const bitpix = hdu.header.number("BITPIX", 0);
    const raw = this.bytes.read(hdu.offset, hdu.length);
    const scale = hdu.header.number("BSCALE", 1);
    const zero = hdu.header.number("BZERO", 0);
    const blank = bitpix > 0 ? hdu.header.get("BLANK") : undefined;
    const { shape, header } = hdu;
    return { values: pixels(raw, bitpix, scale, zero, blank), shape, header };
  }

  /**
   * Read a binary table, or some of its columns and rows.
   *
   * @throws UserError when that HDU holds no table, or the table no such column
   */
  table(options: FitsTableOptions = {}): Table {
    const hdu = this.hdu("table", options.hdu);
    const [rows, width] = hdu.shape;
    const from = Math.max(0, options.from ?? 0);
    const count = Math.max(0, Math.min(rows, options.to ?? rows) - from);
    const raw = this.bytes.read(hdu.offset + from * width, count * width);
    return readFitsTable(this.path, hdu.header, raw, count, width, options.columns);
  }

  /** Release the file. */
  close(): void {
    this.bytes.close();
  }

  private hdu(kind: "image" | "table", which: number | string | undefined): FitsHdu {
    const suits = (hdu: FitsHdu) => hdu.kind === kind && (kind === "table" || hdu.length > 0);
    const found =
      which === undefined
        ? this.hdus.find(suits)
        : typeof which === "number"
          ? this.hdus[which]
          : this.hdus.find((hdu) => hdu.name === which);
    if (found && suits(found)) return found;
    const tiled = this.hdus.find(({ header }) => header.get("ZIMAGE") === true);
    if (kind === "image" && tiled !== undefined && (which === undefined || found === tiled)) {
      throw new UserError(
        `${this.path}: its image is compressed in tiles (${tiled.header.text("ZCMPTYPE")}), which is not read.`,
        "Unpack it first, for example by funpack, which comes with CFITSIO.",
      );
    }
    const list = this.hdus.map((u, i) => `${i} ${u.name || "unnamed"} (${u.kind})`).join(", ");
    throw new UserError(
      `${this.path}: ${which === undefined ? `no ${kind}` : `HDU ${which} is no ${kind}`}; ` +
        `the file has ${list}.`,
      "Name the HDU to read, by its number or name.",
    );
  }
}

function listHdus(path: string, bytes: FitsBytes): FitsHdu[] {
  const hdus: FitsHdu[] = [];
  const block = (offset: number) =>
    offset + blockLength <= bytes.size ? latin1(bytes.read(offset, blockLength)) : undefined;
  if (latin1(bytes.read(0, 9)) !== "SIMPLE  =") {
    throw new UserError(
      `${path}: not a FITS file (it does not begin with SIMPLE).`,
      "Give a FITS file, plain or packed by gzip or bzip2.",
    );
  }
  for (let offset = 0; offset < bytes.size; ) {
    const start = offset;
    // Some writers leave a tail behind the last HDU: it is no HDU, and no error.
    if (start > 0 && !block(start)?.startsWith("XTENSION")) break;
    const parsed = parseHeader((index) => block(start + index * blockLength));
    if (!parsed) throw truncated(path, `the header of HDU ${hdus.length} has no END`);
    const { header } = parsed;
    const dimensions = header.number("NAXIS", 0);
    // The standard ends at 999 axes; a header that is damaged may say anything.
    const axes =
      Number.isInteger(dimensions) && dimensions >= 0 && dimensions <= 999
        ? Array.from({ length: dimensions }, (_, i) => header.number(`NAXIS${i + 1}`, 0))
        : [Number.NaN];
    const bitpix = header.number("BITPIX", 0);
    const [pcount, gcount] = [header.number("PCOUNT", 0), header.number("GCOUNT", 1)];
    const whole = [...axes, pcount, gcount].every((n) => Number.isInteger(n) && n >= 0);
    if (!whole || ![8, 16, 32, 64, -32, -64].includes(bitpix)) {
      throw new UserError(
        `${path}: the header of HDU ${hdus.length} is damaged: BITPIX ${bitpix}, axes ${axes}.`,
        "Download the file again.",
      );
    }
    const values = axes.length === 0 ? 0 : axes.reduce((a, b) => a * b, 1);
    const size = Math.abs(bitpix) / 8;
    const length = size * values;
    const heap = size * gcount * (pcount + values);
    offset += parsed.length;
    if (offset + heap > bytes.size) {
      const there = `${bytes.size - offset} of ${heap} bytes are there`;
      throw truncated(path, `the data of HDU ${hdus.length} break off, ${there}`);
    }
    const extension = start === 0 ? "IMAGE" : header.text("XTENSION").trim();
    const packed = header.get("ZIMAGE") === true;
    const kind =
      extension === "IMAGE" ? "image" : extension === "BINTABLE" && !packed ? "table" : "other";
    const shape = axes.reverse();
    hdus.push({ kind, name: header.text("EXTNAME").trim(), header, shape, offset, length });
    offset += Math.ceil(heap / blockLength) * blockLength;
  }
  return hdus;
}

function pixels(
  raw: Uint8Array,
  bitpix: number,
  scale: number,
  zero: number,
  blank: unknown,
): Float32Array | Float64Array {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const bytes = Math.abs(bitpix) / 8;
  const count = raw.byteLength / bytes;
  const narrow = bitpix === 8 || bitpix === 16 || bitpix === -32;
  const out = narrow ? new Float32Array(count) : new Float64Array(count);
  const get = reader(view, bitpix);
  for (let i = 0; i < count; i++) {
    const stored = get(i * bytes);
    out[i] = stored === blank ? Number.NaN : zero + scale * stored;
  }
  return out;
}

function reader(view: DataView, bitpix: number): (at: number) => number {
  switch (bitpix) {
    case 8:
      return (at) => view.getUint8(at);
    case 16:
      return (at) => view.getInt16(at);
    case 32:
      return (at) => view.getInt32(at);
    case 64:
      return (at) => Number(view.getBigInt64(at));
    case -32:
      return (at) => view.getFloat32(at);
    default:
      return (at) => view.getFloat64(at);
  }
}

function truncated(path: string, what: string): UserError {
  return new UserError(
    `${path}: truncated FITS file: ${what}.`,
    "The download broke off: delete the file and download it again.",
  );
}
