import type { ColumnSource } from "hyparquet-writer";
import { UserError } from "../core/errors";
import { numberToHalf } from "../core/float16";
import type { Column, Table } from "../core/table";
import { atomicPath } from "./atomic";

/** What a column of a Parquet file is stored as; `int64` takes whole numbers, or their digits as text. */
export type StoredType = "text" | "int64" | "float64" | "float32" | "float16";

/** What {@link writeParquet} may be told. */
export interface WriteParquetOptions {
  /** Words about the whole file by name, which `openParquet` gives back. Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Parquet's own words for each type. Features do not compress: only text and whole numbers are. */
const STORED = {
  text: { type: "STRING", codec: "SNAPPY" },
  int64: { type: "INT64", codec: "SNAPPY" },
  float64: { type: "DOUBLE", codec: "UNCOMPRESSED" },
  float32: { type: "FLOAT", codec: "UNCOMPRESSED" },
  float16: { type: "BYTE_ARRAY", codec: "UNCOMPRESSED" },
} as const;

/**
 * Write a table as a Parquet file, a row group for each piece, so that no more than one piece is held.
 * The file appears by rename once it is whole. A matrix is a column for each of its columns.
 *
 * @param columns The type of each column, in the file's order.
 * @param pieces Tables that have all these columns; 10,000 to 100,000 rows are a good size.
 * @returns the number of rows
 * @throws UserError for a piece without a column or with columns of different lengths, for an `int64` that
 * is no whole number or beyond ±2⁵³ (beyond that it must be text), or when the disk refuses; whatever the
 * pieces throw
 */
export function writeParquet(
  path: string,
  columns: Readonly<Record<string, StoredType>>,
  pieces: AsyncIterable<Table> | Iterable<Table>,
  { metadata = {} }: WriteParquetOptions = {},
): Promise<number> {
  return atomicPath(path, async (temporary) => {
    // An ES module, and only those who write such files need it.
    const { fileWriter, ParquetWriter, schemaFromColumnData } = await import("hyparquet-writer");
    const names = Object.keys(columns);
    const source = (name: string, data: Column | bigint[] | Uint8Array[]): ColumnSource => ({
      name,
      data: data as ColumnSource["data"],
      ...STORED[columns[name]],
      encoding: columns[name] === "text" ? undefined : "PLAIN",
      nullable: false,
      statistics: columns[name] === "int64",
    });
    const schema = schemaFromColumnData({ columnData: names.map((name) => source(name, [])) });
    const halves = schema.filter(({ name }, at) => at > 0 && columns[name] === "float16");
    for (const element of halves) {
      Object.assign(element, { type: "FIXED_LEN_BYTE_ARRAY", type_length: 2 });
    }
    const writer = new ParquetWriter({
      writer: fileWriter(temporary),
      schema,
      createdBy: "tuning-fork",
      kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
    let rows = 0;
    for await (const piece of pieces) {
      const size = piece[names[0]]?.length ?? 0;
      if (size === 0) continue;
      const columnData = names.map((name) => {
        const column = piece[name];
        if (column?.length !== size) {
          throw new UserError(
            `${path}: column '${name}' has ${column?.length ?? "no"} values, and '${names[0]}' has ${size}`,
            "give every column a value a row",
          );
        }
        if (columns[name] === "int64") return source(name, wholeNumbers(path, name, column));
        if (columns[name] !== "float16") return source(name, column);
        // One column's bytes at a time: an object a number is a hundred bytes.
        return Object.defineProperty(source(name, []), "data", { get: () => halfBytes(column) });
      });
      await writer.write({ columnData, rowGroupSize: size });
      rows += size;
    }
    // Told only now what these bytes are, the library has copied them: it would turn numbers into float16
    // a hundred times slower.
    for (const element of halves) element.logical_type = { type: "FLOAT16" };
    await writer.finish();
    return rows;
  });
}

function wholeNumbers(path: string, name: string, column: Column): bigint[] {
  return Array.from<string | number, bigint>(column, (value) => {
    const fits = typeof value === "string" ? /^-?\d+$/.test(value) : Number.isSafeInteger(value);
    const whole = fits ? BigInt(value) : undefined;
    if (whole !== undefined && BigInt.asIntN(64, whole) === whole) return whole;
    throw new UserError(
      `${path}: '${name}' is ${value}; expected a whole number`,
      "store the column as float64, or as text",
    );
  });
}

function halfBytes(column: Column): Uint8Array[] {
  const bits = Uint16Array.from<string | number>(column as ArrayLike<string | number>, (value) =>
    numberToHalf(Number(value)),
  );
  const bytes = new Uint8Array(bits.buffer);
  return Array.from(bits, (_, i) => bytes.subarray(2 * i, 2 * i + 2));
}
