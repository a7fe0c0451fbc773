import { UserError } from "../core/errors";
import { distinctNames } from "../core/names";
import type { Column } from "../core/table";
import { type FitsHeader, latin1 } from "./fits-header";
import { checkColumns } from "./fits-table";

/** A field of a table in text. */
interface TextField {
  readonly name: string;
  /** A text, I whole number, F E D others. */
  readonly type: string;
  /** Characters from the start of the row, and how many. */
  readonly start: number;
  readonly length: number;
  readonly scale: number;
  readonly zero: number;
  /** `zero` to its last digit, where it is whole. */
  readonly wholeZero: bigint | undefined;
  readonly null: string | undefined;
}

/**
 * Rows of a table in text (XTENSION TABLE) as columns. Text is trimmed; numbers that equal the column's
 * TNULL, or are blank, are NaN; whole numbers that a double cannot hold stay exact as text, empty where
 * they are null; the second of two fields of one name becomes `name_2`.
 *
 * @throws UserError naming a format that is none, or the row and column of a number that is none
 * @see FITS 4.0, section 7.2
 */
export function readTextTable(
  path: string,
  header: FitsHeader,
  raw: Uint8Array,
  rows: number,
  width: number,
  wanted?: readonly string[],
): Record<string, Column> {
  const fields = listFields(path, header, width);
  checkColumns(path, fields, wanted);
  const chosen = fields.filter(({ name }) => wanted === undefined || wanted.includes(name));
  const columns = chosen.map((field): [string, Column] => {
    const cells = Array.from({ length: rows }, (_, row) => {
      const at = row * width + field.start;
      return latin1(raw.subarray(at, at + field.length)).trim();
    });
    return [field.name, field.type === "A" ? cells : numbers(path, field, cells)];
  });
  return Object.fromEntries(columns);
}

function listFields(path: string, header: FitsHeader, width: number): TextField[] {
  const fields: TextField[] = [];
  for (let i = 1; i <= header.number("TFIELDS", 0); i++) {
    const form = header.text(`TFORM${i}`);
    const [, type, digits] = /^\s*([AIFED])(\d{1,9})(?:\.\d+)?/.exec(form) ?? [];
    const start = header.number(`TBCOL${i}`, 0) - 1;
    const length = Number(digits ?? Number.NaN);
    if (!(Number.isInteger(start) && start >= 0 && start + length <= width)) {
      throw new UserError(
        `${path}: column ${i} of the table has the format '${form}' at ${start + 1} in rows of ${width}.`,
        "The table is damaged: download it again.",
      );
    }
    const name = header.text(`TTYPE${i}`, `column${i}`).trim();
    const scale = header.number(`TSCAL${i}`, 1);
    const nothing = header.whole(`TNULL${i}`) ?? header.get(`TNULL${i}`);
    const none = nothing === undefined ? undefined : String(nothing).trim();
    fields.push({
      name,
      type,
      start,
      length,
      scale,
      zero: header.number(`TZERO${i}`, 0),
      wholeZero: header.get(`TZERO${i}`) === undefined ? 0n : header.whole(`TZERO${i}`),
      null: none,
    });
  }
  const names = distinctNames(fields.map(({ name }) => name));
  return fields.map((field, i) => ({ ...field, name: names[i] }));
}

function numbers(path: string, field: TextField, cells: readonly string[]): Column {
  const { name, type, scale, zero, wholeZero } = field;
  const isNull = (cell: string) => cell === "" || cell === field.null;
  const values = Float64Array.from(cells, (cell, row) => {
    if (isNull(cell)) return Number.NaN;
    // Fortran writes exponents of doubles with a D.
    const value = Number(cell.replace(/[Dd]/, "E"));
    const right = type === "I" ? /^[+-]?\d+$/.test(cell) : !Number.isNaN(value);
    if (right) return zero + scale * value;
    throw new UserError(
      `${path}: '${name}' of row ${row + 1} of the table is '${cell}'; expected a number.`,
      "The table is damaged: download it again.",
    );
  });
  const exact = type !== "I" || values.every((x) => Number.isNaN(x) || Number.isSafeInteger(x));
  if (exact || scale !== 1 || wholeZero === undefined) return values;
  const digits = (cell: string) => String(wholeZero + BigInt(cell.replace(/^\+/, "")));
  return cells.map((cell) => (isNull(cell) ? "" : digits(cell)));
}
