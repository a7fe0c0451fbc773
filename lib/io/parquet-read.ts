import { type FileHandle, open } from "node:fs/promises";
import type {
  AsyncBuffer,
  DecodedArray,
  FileMetaData,
  RowGroup,
  SchemaElement,
  SchemaTree,
} from "hyparquet";
import { UserError } from "../core/errors";
import { halfToNumber } from "../core/float16";
import { systemError } from "../core/system-errors";
import type { ColumnType, WantedColumns } from "./csv-table";
import { checkLayout, damaged } from "./parquet-layout";
import { type ColumnChunk, guardPages, READABLE_CODECS } from "./parquet-pages";

/** Some rows of a Parquet file that follow one another. */
export interface ParquetRows<C = Readonly<Record<string, string[] | Float64Array | Float32Array>>> {
  /** Row number of the first, from 0. */
  readonly start: number;
  /** Number of rows. */
  readonly size: number;
  /** The columns that were asked for: text (empty where there is none), or numbers with NaN where there is none. */
  readonly columns: C;
}

/** An open Parquet file. */
export interface ParquetFile {
  /** Names of all columns, in the file's order. */
  readonly header: readonly string[];
  /** Names of those that hold text or numbers and can be read: not lists, times, yes and no. */
  readonly readable: readonly string[];
  /** Number of rows. */
  readonly size: number;
  /** What the file says of itself, by name. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * The rows, one row group after the other; no more than one is held.
   *
   * @param wanted Columns to read; the others are passed over. Whole numbers of 64 bits keep all their
   * digits as text.
   * @param within Row numbers, the first and the one after the last: groups without any of these are passed
   * over. Default: all rows.
   * @throws UserError for a column that is not there or cannot be read as asked, and for damaged bytes
   */
  groups(wanted: WantedColumns, within?: readonly [number, number]): AsyncGenerator<ParquetRows>;
  /** Close the file. */
  close(): Promise<void>;
}

/**
 * Open a Parquet file of columns without lists or structures in the columns that will be read.
 *
 * @returns the caller's to close
 * @throws UserError when the file is not there, is no Parquet, is cut off or damaged
 */
export async function openParquet(path: string): Promise<ParquetFile> {
  const { parquetMetadataAsync, parquetScan, parquetSchema } = await import("hyparquet");
  const handle = await open(path).catch((error: unknown) => {
    throw systemError(error, path, "cannot be read");
  });
  try {
    const file = await bufferOf(handle, path);
    const metadata = await read(path, () => parquetMetadataAsync(file, { geoparquet: false }));
    checkLayout(path, metadata, file.byteLength);
    const fields = await read(path, async () => parquetSchema(metadata).children);
    const header = fields.map(({ element }) => element.name);
    const halves = new Set<string>();
    for (const { element } of fields) {
      if (element.logical_type?.type !== "FLOAT16") continue;
      halves.add(element.name);
      // Left to the library, which makes an object of every number.
      element.logical_type = undefined;
    }
    const kindOf = ({ element, children }: SchemaTree) =>
      kindOfColumn(element, children.length > 0, halves);
    return {
      header,
      readable: fields.filter((field) => kindOf(field)).map(({ element }) => element.name),
      size: Number(metadata.num_rows),
      metadata: Object.fromEntries(
        (metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? ""]),
      ),
      async *groups(wanted, [from, to] = [0, Number.POSITIVE_INFINITY]) {
        const types = Object.entries(typeof wanted === "function" ? wanted(header) : wanted);
        const elements: SchemaElement[] = [];
        for (const [name, type] of types) {
          const field = fields.find(({ element }) => element.name === name);
          if (field === undefined) {
            const there = header.length > 12 ? [...header.slice(0, 12), "…"] : header;
            throw new UserError(
              `${path}: no column '${name}'; it has ${there.join(", ")}`,
              "give the file that has this column",
            );
          }
          checkReadable(path, field, kindOf(field), type);
          elements.push(field.element);
        }
        const columns = types.map(([name]) => name);
        const { expect, ...guarded } = await guardPages(file);
        const options = { ...guarded, metadata, columns, useOffsetIndex: false };
        const scan = await read(path, () => parquetScan(options));
        let start = 0;
        for (const group of metadata.row_groups) {
          const size = Number(group.num_rows);
          if (start + size <= from || start >= to) {
            start += size;
            continue;
          }
          const range = { rowStart: start, rowEnd: start + size };
          const found: Record<string, string[] | Float64Array | Float32Array> = {};
          for (const [i, [column, type]] of types.entries()) {
            expect(chunkOf(path, metadata, group, elements[i]));
            const values = await read(path, () => scan.readColumn({ column, ...range }));
            if (values.length !== size) damaged(path, `'${column}' ends before its last row`);
            const plain = halves.has(column) ? halvesOf(values) : values;
            found[column] = type === "text" ? texts(plain) : numbers(plain);
          }
          yield { start, size, columns: found };
          start += size;
        }
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function bufferOf(handle: FileHandle, path: string): Promise<AsyncBuffer> {
  const found = await handle.stat();
  const byteLength = found.size;
  const ends = Buffer.alloc(8);
  if (found.isFile() && byteLength >= 12) {
    await handle.read(ends, 0, 4, 0);
    await handle.read(ends, 4, 4, byteLength - 4);
  }
  if (ends.toString("latin1", 0, 4) !== "PAR1") {
    throw new UserError(`${path} is no Parquet file`, "give one that ends in .parquet");
  }
  if (ends.toString("latin1", 4) !== "PAR1") {
    throw new UserError(`${path} is cut off: its end is missing`, "copy or write it again");
  }
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      if (bytesRead < bytes.length) damaged(path, "it ends too early");
      return bytes.buffer;
    },
  };
}

/** What a column can be read as; nothing where it can be neither. */
function kindOfColumn(
  { name, type, repetition_type, converted_type: converted, logical_type: logical }: SchemaElement,
  isNested: boolean,
  halves: ReadonlySet<string>,
): ColumnType | undefined {
  if (isNested || repetition_type === "REPEATED") return undefined;
  if (halves.has(name) || type === "FLOAT" || type === "DOUBLE") return "number";
  if (type === "BYTE_ARRAY") {
    return converted === "UTF8" || logical?.type === "STRING" ? "text" : undefined;
  }
  const isWhole = converted === undefined || /^U?INT_/.test(converted);
  return isWhole && /^INT(32|64)$/.test(type ?? "") ? "number" : undefined;
}

function checkReadable(
  path: string,
  { element: { name, type, converted_type, logical_type }, children }: SchemaTree,
  kind: ColumnType | undefined,
  wanted: ColumnType,
): void {
  if (kind === "number" || (kind === "text" && wanted === "text")) return;
  const isNested = children.length > 0 || type === undefined;
  const what = isNested ? "lists" : (logical_type?.type ?? converted_type ?? type)?.toLowerCase();
  const expected = wanted === "text" ? "text or numbers" : "numbers";
  throw new UserError(
    `${path}: '${name}' holds ${what}; expected ${expected}`,
    "leave the column out, or store it as such",
  );
}

/** The bytes of a column in a row group. */
function chunkOf(
  path: string,
  { schema: [root] }: FileMetaData,
  { num_rows, columns }: RowGroup,
  { name, type, repetition_type }: SchemaElement,
): ColumnChunk {
  const [found, second] = columns.filter(({ meta_data }) => meta_data?.path_in_schema[0] === name);
  const codec = found?.meta_data?.codec ?? "";
  if (second !== undefined) {
    throw new UserError(
      `${path}: two columns are called '${name}'`,
      "rename or remove one of them",
    );
  }
  if (found?.meta_data?.type !== type || root.repetition_type === "REPEATED") {
    damaged(path, `'${name}' is stored as something else`);
  }
  if (!READABLE_CODECS.includes(codec)) {
    throw new UserError(
      `${path}: '${name}' is compressed by ${codec || "nothing known"}; expected one of ${READABLE_CODECS.join(", ")}`,
      'write the file with compression="snappy"',
    );
  }
  return { rows: Number(num_rows), isOptional: repetition_type !== "REQUIRED", codec };
}

/** The library is not made for damaged files: what it throws of any kind means one. */
async function read<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError) throw error;
    return damaged(path, error instanceof Error ? error.message : String(error), error);
  }
}

/** Numbers of the two bytes of each float16. */
function halvesOf(values: DecodedArray): Float32Array {
  return Float32Array.from(values as ArrayLike<Uint8Array | null>, (bytes) =>
    bytes ? halfToNumber(bytes[0] | (bytes[1] << 8)) : Number.NaN,
  );
}

function texts(values: DecodedArray): string[] {
  return Array.from(values as ArrayLike<unknown>, (value) => String(value ?? ""));
}

function numbers(values: DecodedArray): Float64Array | Float32Array {
  if (values instanceof Float32Array || values instanceof Float64Array) return values;
  return Float64Array.from(values as ArrayLike<unknown>, (value) =>
    value === null || value === undefined ? Number.NaN : Number(value),
  );
}
