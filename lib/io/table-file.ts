import { basename } from "node:path";
import { UserError } from "../core/errors";
import { shardOf } from "../core/shard";
import { csvHeader, csvSize, eachRow, type ReadCsvFileOptions, readCsv } from "./csv";
import type { CsvTable, WantedColumns } from "./csv-table";
import { openParquet, type ParquetFile } from "./parquet-read";

/** Takes a cell as text, and the number of its row as messages give it. */
type UseText = (text: string, rowNumber: number) => void;

/** How a kind of table is read. */
interface TableFormat {
  /** Names that files of this kind have. */
  readonly pattern: RegExp;
  header(path: string): Promise<string[]>;
  size(path: string): Promise<number>;
  read(path: string, wanted: WantedColumns, options?: ReadCsvFileOptions): Promise<CsvTable>;
  eachText(path: string, column: string, use: UseText): Promise<void>;
}

/** Columns that pandas makes of the numbers of rows. */
const PANDAS_INDEX = /^__index_level_\d+__$/;

const csv: TableFormat = {
  pattern: /\.csv(\.gz)?$/i,
  header: csvHeader,
  size: csvSize,
  read: readCsv,
  async eachText(path, column, use) {
    let at = -1;
    await eachRow(path, (cells, row) => {
      if (at >= 0) use(cells[at], row);
      else at = cells.findIndex((cell) => cell.trim() === column);
      if (at < 0)
        throw new UserError(`${path}: no column '${column}'.`, "Give a table that has it.");
      return undefined;
    });
  },
};

const parquet: TableFormat = {
  pattern: /\.parquet$/i,
  header: (path) =>
    withParquet(path, async ({ readable }) => readable.filter((name) => !PANDAS_INDEX.test(name))),
  size: (path) => withParquet(path, async ({ size }) => size),
  read: (path, wanted, options) =>
    withParquet(path, (file) => readColumns(path, file, wanted, options)),
  eachText: (path, column, use) =>
    withParquet(path, async (file) => {
      for await (const { start, size, columns } of file.groups({ [column]: "text" })) {
        for (let i = 0; i < size; i++) use(String(columns[column][i]), start + i + 1);
      }
    }),
};

/** Kinds of tables; a new one is a line here. */
const formats: readonly TableFormat[] = [csv, parquet];

const formatOf = (path: string) => formats.find(({ pattern }) => pattern.test(path)) ?? csv;

/** Whether a path ends as a table does that {@link readTable} reads: `.csv`, `.csv.gz`, `.parquet`. */
export function isTablePath(path: string): boolean {
  return formats.some(({ pattern }) => pattern.test(path));
}

/** The name of a table's file without its folder's and its ending. */
export function tableName(path: string): string {
  return basename(path).replace(formatOf(path).pattern, "");
}

/** The names of a table's columns; of a Parquet file those that hold text or numbers. */
export function tableHeader(path: string): Promise<string[]> {
  return formatOf(path).header(path);
}

/** How many rows a table has. */
export function tableSize(path: string): Promise<number> {
  return formatOf(path).size(path);
}

/**
 * Read columns of a table: a CSV, plain or gzipped, as `readCsv` does it; or, as the path ends, a Parquet
 * file, of which one row group is held beside the rows that are wanted. Numbers that are wanted as text are
 * written as JavaScript does it, whole ones of 64 bits with all their digits; what is missing is empty.
 *
 * @param wanted Columns to read; the others are passed over.
 * @throws UserError naming file and column: one that is missing, or cannot be read as it is asked for; an
 * empty part
 */
export function readTable(
  path: string,
  wanted: WantedColumns,
  options?: ReadCsvFileOptions,
): Promise<CsvTable> {
  return formatOf(path).read(path, wanted, options);
}

/**
 * Go through a column of a table as text; few rows are in memory.
 *
 * @throws UserError as {@link readTable} does
 */
export function eachText(path: string, column: string, use: UseText): Promise<void> {
  return formatOf(path).eachText(path, column, use);
}

async function readColumns(
  path: string,
  file: ParquetFile,
  wanted: WantedColumns,
  { optional = {}, shard }: ReadCsvFileOptions = {},
): Promise<CsvTable> {
  const { header, size: all } = file;
  const needed = typeof wanted === "function" ? wanted(header) : wanted;
  const may = Object.entries(optional).filter(([name]) => header.includes(name));
  const types = { ...Object.fromEntries(may), ...needed };
  const [from, to] = shard === undefined ? [0, all] : shardOf(path, all, shard);
  const size = to - from;
  const columns: Record<string, string[] | Float64Array> = {};
  for (const [name, type] of Object.entries(types)) {
    columns[name] = type === "text" ? [] : new Float64Array(size);
  }
  for await (const { start, size: rows, columns: read } of file.groups(types, [from, to])) {
    const [first, last] = [Math.max(0, from - start), Math.min(rows, to - start)];
    for (const [name, column] of Object.entries(columns)) {
      const own = read[name];
      for (let row = first; row < last; row++) {
        if (Array.isArray(column)) column.push(String(own[row]));
        else column[start + row - from] = Number(own[row]);
      }
    }
  }
  return { header, size, columns, rowNumber: (index) => from + index + 1 };
}

async function withParquet<T>(path: string, use: (file: ParquetFile) => Promise<T>): Promise<T> {
  const file = await openParquet(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
