import { UserError } from "../core/errors";
import type { Table } from "../core/table";
import { type FitsBytes, type FitsHdu, listHdus } from "./fits-hdus";
import type { FitsHeader } from "./fits-header";
import { decodePixels } from "./fits-pixels";
import { readFitsTable } from "./fits-table";
import { readTextTable } from "./fits-text-table";
import { readTiles, tiledShape } from "./fits-tiles";

/** Pixels of a FITS image. */
export interface FitsImage {
  /** BZERO + BSCALE × stored value; NaN where the pixel is blank. First row first. */
  readonly values: Float32Array | Float64Array;
  /** Axes with the fastest last: [rows, columns], or [planes, rows, columns]. */
  readonly shape: readonly number[];
  /** Keywords of its HDU. */
  readonly header: FitsHeader;
}

/** Which part of a table is read. */
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
    const { header } = hdu;
    if (hdu.storage === "tiles") {
      return { values: readTiles(this.path, hdu, this.bytes), shape: tiledShape(header), header };
    }
    const bitpix = header.number("BITPIX", 0);
    const raw = this.bytes.read(hdu.offset, hdu.length);
    const scale = header.number("BSCALE", 1);
    const zero = header.number("BZERO", 0);
    const blank = bitpix > 0 ? header.get("BLANK") : undefined;
    return { values: decodePixels(raw, bitpix, scale, zero, blank), shape: hdu.shape, header };
  }

  /**
   * Read a table, binary or of text, or some of its columns and rows.
   *
   * @throws UserError when that HDU holds no table, or the table no such column
   */
  table(options: FitsTableOptions = {}): Table {
    const hdu = this.hdu("table", options.hdu);
    const [rows, width] = hdu.shape;
    const from = Math.max(0, options.from ?? 0);
    const count = Math.max(0, Math.min(rows, options.to ?? rows) - from);
    const raw = this.bytes.read(hdu.offset + from * width, count * width);
    const read = hdu.storage === "text" ? readTextTable : readFitsTable;
    return read(this.path, hdu.header, raw, count, width, options.columns);
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
    const list = this.hdus.map((u, i) => `${i} ${u.name || "unnamed"} (${u.kind})`).join(", ");
    throw new UserError(
      `${this.path}: ${which === undefined ? `no ${kind}` : `HDU ${which} is no ${kind}`}; ` +
        `the file has ${list}.`,
      "Name the HDU to read, by its number or name.",
    );
  }
}
