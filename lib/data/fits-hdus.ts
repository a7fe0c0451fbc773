import { UserError } from "../core/errors";
import { blockLength, type FitsHeader, latin1, parseHeader } from "./fits-header";

/** A header and data unit (HDU) of a FITS file. */
export interface FitsHdu {
  /** What its data are; `other` is not read. */
  readonly kind: "image" | "table" | "other";
  /** How an image or a table is stored: as it is, in compressed tiles, or (a table) as text. */
  readonly storage: "plain" | "tiles" | "text";
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
  /** How long they are with that, bytes. */
  readonly heap: number;
}

/** Bytes of a file, read where they are wanted, or of one that had to be unpacked. */
export interface FitsBytes {
  /** How many there are. */
  readonly size: number;
  /** Some of them; fewer where the file ends before. */
  read(offset: number, length: number): Uint8Array;
  /**
   * Unpack gzip, where this can be done.
   *
   * @param limit Bytes that come out at most.
   * @returns nothing when the data are damaged, or more than that
   */
  gunzip?(packed: Uint8Array, limit: number): Uint8Array | undefined;
  /** Release the file. */
  close(): void;
}

/**
 * The header and data units of a file, the primary one first.
 *
 * @throws UserError when it is not FITS, a header is damaged, or the file ends before its data do
 */
export function listHdus(path: string, bytes: FitsBytes): FitsHdu[] {
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
    if (axes.length === 2 && axes[1] === 0 && axes[0] > 2 ** 20) {
      throw new UserError(
        `${path}: HDU ${hdus.length} is a table of 0 rows of ${axes[0]} bytes.`,
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
    const tiles = extension === "BINTABLE" && header.get("ZIMAGE") === true;
    const text = extension === "TABLE";
    const isTable = (extension === "BINTABLE" || text) && axes.length === 2;
    hdus.push({
      kind: extension === "IMAGE" || tiles ? "image" : isTable ? "table" : "other",
      storage: tiles ? "tiles" : text ? "text" : "plain",
      name: header.text("EXTNAME").trim(),
      header,
      shape: axes.reverse(),
      offset,
      length,
      heap,
    });
    offset += Math.ceil(heap / blockLength) * blockLength;
  }
  return hdus;
}

function truncated(path: string, what: string): UserError {
  return new UserError(
    `${path}: truncated FITS file: ${what}.`,
    "The download broke off: delete the file and download it again.",
  );
}
