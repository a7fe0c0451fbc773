import { UserError } from "../core/errors";
import { type Column, isUnknown } from "../core/table";
import { CsvScanner } from "./csv-text";

/** What a column is read as. */
export type ColumnType = "text" | "number";

/** Columns to read, by name; or what gives them once the header is known. */
export type WantedColumns =
  | Readonly<Record<string, ColumnType>>
  | ((header: readonly string[]) => Readonly<Record<string, ColumnType>>);

/** What {@link parseCsv} and `readCsv` may be told. */
export interface ReadCsvOptions {
  /** Columns that may be missing: they are then missing in the result too. Default: none. */
  readonly optional?: Readonly<Record<string, ColumnType>>;
}

/** Columns of a CSV. */
export interface CsvTable {
  /** Names of all columns of the file, in its order. */
  readonly header: readonly string[];
  /** How many rows there are below the header. */
  readonly size: number;
  /** One value a row: text (without blanks around it, if it is not in quotes), or numbers with NaN for an empty cell. */
  readonly columns: Readonly<Record<string, Column>>;
  /** The row of the file, as a spreadsheet numbers it (the header is row 1), of a row of the columns. */
  rowNumber(index: number): number;
}

/**
 * Read columns of CSV text; see `readCsv`, which does it for a file.
 *
 * @param name Of the file, for messages.
 * @throws UserError as `readCsv` does
 */
export function parseCsv(
  text: string,
  name: string,
  wanted: WantedColumns,
  options: ReadCsvOptions = {},
): CsvTable {
  const columns = new CsvColumns(name, wanted, options);
  const scanner = new CsvScanner(name, (cells, row) => columns.add(cells, row));
  scanner.push(text);
  scanner.end();
  return columns.finish();
}

/** Gathers wanted columns from rows. */
export class CsvColumns {
  private header: string[] | undefined;
  private size = 0;
  private readonly texts = new Map<string, string[]>();
  private readonly numbers = new Map<string, number[]>();
  private readonly readers: ((cells: readonly string[], row: number) => void)[] = [];
  /** Where empty rows were passed over: from this index on, rows are so far on in the file. */
  private readonly offsets: { readonly index: number; readonly offset: number }[] = [];

  constructor(
    private readonly name: string,
    private readonly wanted: WantedColumns,
    private readonly options: ReadCsvOptions,
  ) {}

  /** Take a row; the first is the header. */
  add(cells: readonly string[], row: number): undefined {
    if (this.header === undefined) {
      this.header = cells.map((cell) => cell.trim());
      this.choose(this.header);
      return;
    }
    if (cells.length !== this.header.length) {
      throw new UserError(
        `${this.name}, row ${row}: ${cells.length} cells under a header of ${this.header.length}.`,
        "The file is damaged or cut off: download or write it again.",
      );
    }
    for (const read of this.readers) read(cells, row);
    const offset = row - this.size;
    if (offset !== (this.offsets.at(-1)?.offset ?? 2)) {
      this.offsets.push({ index: this.size, offset });
    }
    this.size++;
  }

  /** @throws UserError when not even a header came */
  finish(): CsvTable {
    if (this.header === undefined) {
      throw new UserError(`${this.name}: the file is empty.`, "Give a CSV with a header.");
    }
    const numbers = [...this.numbers].map(([name, list]) => [name, Float64Array.from(list)]);
    const { offsets } = this;
    return {
      header: this.header,
      size: this.size,
      columns: { ...Object.fromEntries(this.texts), ...Object.fromEntries(numbers) },
      rowNumber: (index) =>
        index + (offsets.findLast((entry) => entry.index <= index)?.offset ?? 2),
    };
  }

  private choose(header: readonly string[]): void {
    const needed = typeof this.wanted === "function" ? this.wanted(header) : this.wanted;
    const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(", ");
    const missing = Object.keys(needed).filter((name) => !header.includes(name));
    if (missing.length > 0) {
      const there = header.length > 12 ? [...header.slice(0, 12), "…"] : header;
      throw new UserError(
        `${this.name}: no column ${quoted(missing)}; it has ${there.join(", ")}.`,
        "Give the file that has these columns.",
      );
    }
    for (const [name, type] of Object.entries({ ...this.options.optional, ...needed })) {
      const at = header.indexOf(name);
      if (at < 0) continue;
      if (header.indexOf(name, at + 1) >= 0) {
        throw new UserError(
          `${this.name}: two columns are called '${name}'.`,
          "Rename or remove one of them.",
        );
      }
      this.read(name, type, at);
    }
  }

  private read(name: string, type: ColumnType, at: number): void {
    if (type === "text") {
      const column: string[] = [];
      this.texts.set(name, column);
      this.readers.push((cells) => column.push(cells[at]));
    } else {
      const column: number[] = [];
      this.numbers.set(name, column);
      this.readers.push((cells, row) => column.push(this.number(name, cells[at].trim(), row)));
    }
  }

  private number(name: string, text: string, row: number): number {
    if (isUnknown(text)) return Number.NaN;
    const value = Number(text.replace(/^([+-]?)inf$/i, "$1Infinity"));
    if (!Number.isNaN(value)) return value;
    throw new UserError(
      `${this.name}, row ${row}: '${name}' is '${text}'; expected a number.`,
      "Correct the cell or leave it empty.",
    );
  }
}
