import { UserError } from "../core/errors";
import { distinctNames } from "../core/names";
import type { Column } from "../core/table";
import { type FitsHeader, latin1 } from "./fits-header";

/** A field of a binary table. */
export interface Field {
  readonly name: string;
  readonly type: string;
  readonly repeat: number;
  /** Bytes from the start of the row, and the size of one value. */
  readonly offset: number;
  readonly size: number;
  /** Bytes of one number of an array of varying length, which lies behind the rows. */
  readonly itemSize: number;
  readonly scale: number;
  readonly zero: number;
  /** `zero` to its last digit, where it is whole. */
  readonly wholeZero: bigint | undefined;
  readonly null: bigint | undefined;
}

/** Bytes of one value of each type; X counts bits. */
const sizes: Readonly<Record<string, number>> = {
  L: 1,
  X: 1 / 8,
  B: 1,
  I: 2,
  J: 4,
  K: 8,
  A: 1,
  E: 4,
  D: 8,
  C: 8,
  M: 16,
  P: 8,
  Q: 16,
};

/** Types that are not read: bits, complex numbers, arrays of varying length. */
const unread = "XCMPQ";

/** Each number of an array becomes a column: a table of spectra would be too many. */
const mostColumns = 20_000;

/**
 * Rows of a binary table as columns.
 *
 * Text is trimmed; logicals are 1, 0 and NaN; integers with a null become NaN there; 64-bit integers
 * that a double cannot hold (as survey identifiers) stay exact as text, empty where they are null. A
 * field of several numbers becomes columns `name_1`, `name_2`, …; the second of two columns of one name
 * gets `_2`; bits, complex numbers and arrays of varying length are left
 * out unless asked for by name, which is an error.
 *
 * @throws UserError when columns are missing or need more room than a row has, or are too many
 */
export function readFitsTable(
  path: string,
  header: FitsHeader,
  raw: Uint8Array,
  rows: number,
  width: number,
  wanted?: readonly string[],
): Record<string, Column> {
  const fields = listFields(path, header);
  const chosen = fields.filter(({ name, type }) =>
    wanted ? wanted.includes(name) : !unread.includes(type),
  );
  const numbersInRow = chosen.reduce(
    (sum, { type, repeat }) => sum + (type === "A" ? 1 : repeat),
    0,
  );
  if (numbersInRow > mostColumns) {
    throw new UserError(
      `${path}: a row has ${numbersInRow} numbers, more than the ${mostColumns} columns allowed.`,
      `Name the columns to read, of ${fields
        .slice(0, 20)
        .map(({ name }) => name)
        .join(", ")}.`,
    );
  }
  const last = fields.at(-1);
  const end = last ? last.offset + Math.ceil(last.repeat * last.size) : 0;
  if (end > width) {
    throw new UserError(
      `${path}: the table's columns need ${end} bytes a row, NAXIS1 says ${width}.`,
      "The table is damaged: download it again.",
    );
  }
  checkColumns(path, fields, wanted);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const columns: [name: string, values: Column][] = [];
  for (const field of chosen) {
    if (unread.includes(field.type)) {
      throw new UserError(
        `${path}: column '${field.name}' has the format ${field.repeat}${field.type}.`,
        "Bits, complex numbers and arrays of varying length are not read: leave it out.",
      );
    }
    if (field.type === "A") {
      const texts = Array.from({ length: rows }, (_, row) =>
        text(raw, row * width + field.offset, field.repeat),
      );
      columns.push([field.name, texts]);
    } else if (field.repeat === 1) {
      columns.push([field.name, numbers(view, field, rows, width, 0)]);
    } else {
      for (let i = 0; i < field.repeat; i++) {
        columns.push([`${field.name}_${i + 1}`, numbers(view, field, rows, width, i)]);
      }
    }
  }
  const names = distinctNames(columns.map(([name]) => name));
  return Object.fromEntries(columns.map(([, values], i) => [names[i], values]));
}

/** @throws UserError naming a column that is wanted and not there */
export function checkColumns(
  path: string,
  fields: readonly { readonly name: string }[],
  wanted: readonly string[] | undefined,
): void {
  const missing = wanted?.find((name) => !fields.some((field) => field.name === name));
  if (missing !== undefined) {
    throw new UserError(
      `${path}: no column '${missing}'; the table has ${fields.map((f) => f.name).join(", ")}.`,
      "Correct the column's name.",
    );
  }
}

/**
 * The fields of a binary table, in order; a second one of a name is `name_2`.
 *
 * @throws UserError naming a format that is none
 */
export function listFields(path: string, header: FitsHeader): Field[] {
  const fields: Field[] = [];
  let offset = 0;
  for (let i = 1; i <= header.number("TFIELDS", 0); i++) {
    const form = header.text(`TFORM${i}`);
    const [, repeat, type, item] = /^\s*(\d*)([A-Z])([A-Z]?)/.exec(form) ?? [];
    const size = sizes[type ?? ""];
    if (size === undefined) {
      throw new UserError(
        `${path}: TFORM${i} is '${form}'; expected a count and one of ${Object.keys(sizes).join("")}.`,
        "The table is damaged: download it again.",
      );
    }
    const count = repeat === "" ? 1 : Number(repeat);
    const name = header.text(`TTYPE${i}`, `column${i}`).trim();
    fields.push({
      name,
      type,
      repeat: count,
      offset,
      size,
      itemSize: sizes[item ?? ""] ?? 1,
      scale: header.number(`TSCAL${i}`, 1),
      zero: header.number(`TZERO${i}`, 0),
      wholeZero: header.get(`TZERO${i}`) === undefined ? 0n : header.whole(`TZERO${i}`),
      null: header.whole(`TNULL${i}`),
    });
    offset += Math.ceil(count * size);
  }
  const names = distinctNames(fields.map(({ name }) => name));
  return fields.map((field, i) => ({ ...field, name: names[i] }));
}

function text(raw: Uint8Array, at: number, length: number): string {
  const cell = latin1(raw.subarray(at, at + length));
  const end = cell.indexOf("\0");
  return (end < 0 ? cell : cell.slice(0, end)).trimEnd();
}

function numbers(view: DataView, field: Field, rows: number, width: number, which: number): Column {
  const start = field.offset + which * field.size;
  const { scale, zero } = field;
  const nothing = field.null === undefined ? undefined : Number(field.null);
  const fill = <T extends Float32Array | Float64Array | Int32Array>(
    out: T,
    get: (at: number) => number,
  ): T => {
    for (let row = 0; row < rows; row++) {
      const stored = get(row * width + start);
      out[row] = stored === nothing ? Number.NaN : zero + scale * stored;
    }
    return out;
  };
  // Whole numbers stay whole where nothing can make them otherwise.
  const whole = field.null === undefined && scale === 1 && zero === 0;
  const integers = whole ? new Int32Array(rows) : new Float64Array(rows);
  switch (field.type) {
    case "L":
      return fill(new Float32Array(rows), (at) => {
        const stored = view.getUint8(at);
        return stored === 84 ? 1 : stored === 70 ? 0 : Number.NaN;
      });
    case "B":
      return fill(integers, (at) => view.getUint8(at));
    case "I":
      return fill(integers, (at) => view.getInt16(at));
    case "J":
      return fill(integers, (at) => view.getInt32(at));
    case "E":
      return fill(new Float32Array(rows), (at) => view.getFloat32(at));
    case "D":
      return fill(new Float64Array(rows), (at) => view.getFloat64(at));
    default:
      return largeIntegers(view, field, rows, width, start);
  }
}

/** 64-bit integers: as numbers where doubles hold them all exactly, else as text. */
function largeIntegers(
  view: DataView,
  field: Field,
  rows: number,
  width: number,
  start: number,
): Column {
  const { scale, zero, wholeZero, null: nothing } = field;
  const stored = Array.from({ length: rows }, (_, row) => view.getBigInt64(row * width + start));
  const whole = scale === 1 && wholeZero !== undefined;
  const isSafe = (n: bigint) => n <= Number.MAX_SAFE_INTEGER && n >= Number.MIN_SAFE_INTEGER;
  const values = stored.map((n) => (whole ? n + wholeZero : n));
  if (whole && !values.every((n, row) => stored[row] === nothing || isSafe(n))) {
    return values.map((n, row) => (stored[row] === nothing ? "" : String(n)));
  }
  return Float64Array.from(stored, (n, row) =>
    n === nothing ? Number.NaN : whole ? Number(values[row]) : zero + scale * Number(n),
  );
}
