import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { UserError } from "../core/errors";
import { type Shard, shardOf } from "../core/shard";
import { systemError } from "../core/system-errors";
import { CsvColumns, type CsvTable, type ReadCsvOptions, type WantedColumns } from "./csv-table";
import { CsvScanner, type UseRow } from "./csv-text";

/** What {@link readCsv} may be told. */
export interface ReadCsvFileOptions extends ReadCsvOptions {
  /** Only this part of the rows: the others take no memory. Default: all rows. */
  readonly shard?: Shard;
}

/**
 * Read columns of a CSV file, plain or gzipped, row by row: a file of a hundred columns of which two
 * are wanted takes the memory of two.
 *
 * @param wanted Columns to read; the others are passed over.
 * @throws UserError naming file, row, column and value: a file that is no UTF-8; a quote that is not
 * closed; a column that is missing or there twice; a row of another length; a cell that is no number.
 */
export async function readCsv(
  path: string,
  wanted: WantedColumns,
  { shard, ...options }: ReadCsvFileOptions = {},
): Promise<CsvTable> {
  const columns = new CsvColumns(path, wanted, options);
  const [from, to] =
    shard === undefined ? [0, Infinity] : shardOf(path, await csvSize(path), shard);
  let at = -1;
  await eachRow(path, (cells, row) => {
    // The header is of every part.
    if (at < 0 || (at >= from && at < to)) columns.add(cells, row);
    at++;
    return at < to;
  });
  return columns.finish();
}

/** How many rows a CSV has below its header. */
export async function csvSize(path: string): Promise<number> {
  let rows = -1;
  await eachRow(path, () => {
    rows++;
    return undefined;
  });
  return Math.max(0, rows);
}

/** The names of a CSV's columns. */
export async function csvHeader(path: string): Promise<string[]> {
  let header: string[] = [];
  await eachRow(path, (cells) => {
    header = cells.map((cell) => cell.trim());
    return false;
  });
  return header;
}

/**
 * Go through the rows of a CSV file, plain or gzipped, as they are read: few are in memory.
 *
 * @param use Called with each row; the first is the header.
 * @throws UserError as {@link readCsv} does for text that is no CSV
 */
export async function eachRow(path: string, use: UseRow): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) {
    const what = found?.isDirectory() ? "is a folder, not a file" : "no such file";
    throw new UserError(`${path}: ${what}.`, "Check the path.");
  }
  const file = createReadStream(path);
  const source = /\.gz$/i.test(path) ? file.pipe(createGunzip()) : file;
  // An error of the file does not reach the stream that it is piped to.
  file.on("error", (error) => source.destroy(error));
  const scanner = new CsvScanner(path, use);
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      // What spreadsheets call "Unicode text" is UTF-16 and begins with these two bytes.
      const wide = decoder === undefined && chunk[0] === 0xff && chunk[1] === 0xfe;
      decoder ??= new TextDecoder(wide ? "utf-16le" : "utf-8", { fatal: true });
      if (!scanner.push(decoder.decode(chunk, { stream: true }))) return;
    }
    scanner.push(decoder?.decode() ?? "");
    scanner.end();
  } catch (error) {
    const known = systemError(error, path, "cannot be read");
    if (known instanceof UserError) throw known;
    const isText = (error as NodeJS.ErrnoException).code === "ERR_ENCODING_INVALID_ENCODED_DATA";
    throw new UserError(
      isText
        ? `${path}: the text is not UTF-8.`
        : `${path}: cannot be read (${error instanceof Error ? error.message : error}).`,
      isText
        ? "Save it again as CSV in UTF-8."
        : "The file is damaged: download or write it again.",
      { cause: error },
    );
  } finally {
    file.destroy();
  }
}
