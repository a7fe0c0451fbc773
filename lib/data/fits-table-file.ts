import { type FileHandle, open } from "node:fs/promises";
import { UserError } from "../core/errors";
import type { Column, Table } from "../core/table";
import { atomicPath } from "../io/atomic";
import { blockLength } from "./fits-header";

/** A column of text of one width. */
export interface FitsText {
  /** Characters, 1 or more. */
  readonly text: number;
}

/** What a column of a binary table is stored as: text, or numbers. */
export type FitsColumn = FitsText | "int64" | "float64" | "float32";

/** FITS's letter of each kind of number, and its bytes. */
const NUMBERS = {
  int64: { letter: "K", bytes: 8 },
  float64: { letter: "D", bytes: 8 },
  float32: { letter: "E", bytes: 4 },
} as const;

/** Longest text that fits a card. */
const LONGEST_NAME = 68;

/**
 * Write a table as the first extension of a FITS file, piece after piece, so that no more than one is held
 * (FITS standard 4.0, section 7.3). The file appears by rename once it is whole.
 *
 * @param columns The kind of each column, in the file's order.
 * @param pieces Tables that have all these columns.
 * @returns the number of rows
 * @throws UserError for text or names that are not ASCII or too long, for a piece without a column or with
 * columns of different lengths, or when the disk refuses; whatever the pieces throw
 */
export function writeFitsTable(
  path: string,
  columns: Readonly<Record<string, FitsColumn>>,
  pieces: AsyncIterable<Table> | Iterable<Table>,
): Promise<number> {
  for (const name of Object.keys(columns)) checkName(path, name);
  return atomicPath(path, async (temporary) => {
    const file = await open(temporary, "w");
    try {
      let rows = 0;
      let at = await put(file, header(columns, rows), 0);
      for await (const piece of pieces) {
        const bytes = encode(path, columns, piece, rows);
        at = await put(file, bytes, at);
        rows += bytes.length / rowLength(columns);
      }
      await put(file, new Uint8Array((blockLength - (at % blockLength)) % blockLength), at);
      // Now that it is known how many rows there are.
      await put(file, header(columns, rows), 0);
      return rows;
    } finally {
      await file.close();
    }
  });
}

async function put(file: FileHandle, bytes: Uint8Array, at: number): Promise<number> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
  return at + bytes.length;
}

function widthOf(column: FitsColumn): number {
  return typeof column === "string" ? NUMBERS[column].bytes : column.text;
}

function rowLength(columns: Readonly<Record<string, FitsColumn>>): number {
  return Object.values(columns).reduce((sum, column) => sum + widthOf(column), 0);
}

/** The empty primary header and that of the table. */
function header(columns: Readonly<Record<string, FitsColumn>>, rows: number): Uint8Array {
  const fixed = (key: string, value: string | number, comment: string) =>
    `${key.padEnd(8)}= ${String(value).padStart(20)}${comment && ` / ${comment}`}`;
  const text = (key: string, value: string) => {
    return `${key.padEnd(8)}= '${value.replaceAll("'", "''").padEnd(8)}'`;
  };
  const bits = fixed("BITPIX", 8, "array data type");
  const dimensions = (count: number) => fixed("NAXIS", count, "number of array dimensions");
  const primary = [
    ...[fixed("SIMPLE", "T", "conforms to FITS standard"), bits, dimensions(0)],
    fixed("EXTEND", "T", ""),
  ];
  const fields = Object.entries(columns);
  const table = [
    ...["XTENSION= 'BINTABLE'           / binary table extension", bits, dimensions(2)],
    fixed("NAXIS1", rowLength(columns), "length of dimension 1"),
    fixed("NAXIS2", rows, "length of dimension 2"),
    fixed("PCOUNT", 0, "number of group parameters"),
    fixed("GCOUNT", 1, "number of groups"),
    fixed("TFIELDS", fields.length, "number of table fields"),
    ...fields.flatMap(([name, column], i) => [
      text(`TTYPE${i + 1}`, name),
      text(
        `TFORM${i + 1}`,
        typeof column === "string" ? NUMBERS[column].letter : `${column.text}A`,
      ),
    ]),
  ];
  return new TextEncoder().encode([primary, table].map(block).join(""));
}

/** Cards of 80 characters and END, filled up to whole blocks. */
function block(cards: readonly string[]): string {
  const text = [...cards, "END"].map((card) => card.padEnd(80)).join("");
  return text.padEnd(Math.ceil(text.length / blockLength) * blockLength);
}

/** Rows as bytes, the most significant first; shorter text is filled up with zeros. */
function encode(
  path: string,
  columns: Readonly<Record<string, FitsColumn>>,
  piece: Table,
  before: number,
): Uint8Array {
  const names = Object.keys(columns);
  const rows = piece[names[0]]?.length ?? 0;
  const width = rowLength(columns);
  const bytes = new Uint8Array(rows * width);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const name of names) {
    const values: Column | undefined = piece[name];
    if (values?.length !== rows) {
      throw new UserError(
        `${path}: column '${name}' has ${values?.length ?? "no"} values, and '${names[0]}' has ${rows}`,
        "give every column a value a row",
      );
    }
    const column = columns[name];
    for (let row = 0; row < rows; row++) {
      const at = row * width + offset;
      const value = values[row];
      if (column === "float64") view.setFloat64(at, Number(value));
      else if (column === "float32") view.setFloat32(at, Number(value));
      else if (column === "int64") view.setBigInt64(at, BigInt(value));
      else bytes.set(ascii(path, name, String(value), column.text, before + row), at);
    }
    offset += widthOf(column);
  }
  return bytes;
}

function ascii(path: string, name: string, value: string, most: number, row: number): Uint8Array {
  if (value.length > most || !/^[\x20-\x7e]*$/.test(value)) {
    const why = value.length > most ? `longer than ${most} characters` : "not ASCII";
    throw new UserError(
      `${path}, row ${row + 1}: ${name} is "${value}", which is ${why}; FITS takes no such text`,
      "write a .csv or .parquet in its place",
    );
  }
  return new TextEncoder().encode(value);
}

function checkName(path: string, name: string): void {
  if (name.replaceAll("'", "''").length <= LONGEST_NAME && /^[\x20-\x7e]+$/.test(name)) return;
  throw new UserError(
    `${path}: FITS takes no column named "${name}": its names are ASCII of up to ${LONGEST_NAME} characters`,
    "write a .csv or .parquet in its place, or give it another name",
  );
}
