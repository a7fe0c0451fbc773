import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import Papa from "papaparse";
import { UserError } from "../core/errors";
import type { Column } from "../core/table";

/** What a column is read as. */
export type ColumnType = "text" | "number";

/**
 * Read columns of a CSV file, plain or gzipped, row by row: a file of a hundred columns of which two
 * are wanted takes the memory of two.
 *
 * @param wanted Columns to read; the others are passed over.
 * @param options.optional Columns that may be missing: they are then missing in the result too.
 * @returns One value a row: text, or numbers with NaN for an empty cell.
 * @throws UserError naming file, row, column and value: a column that is missing, a row of another
 * length, a cell that is no number.
 */
export async function readCsv(
  path: string,
  wanted: Readonly<Record<string, ColumnType>>,
  options: { optional?: Readonly<Record<string, ColumnType>> } = {},
): Promise<Record<string, Column>> {
  const texts = new Map<string, string[]>();
  const numbers = new Map<string, number[]>();
  const readers: ((cells: readonly string[]) => void)[] = [];
  let width = 0;
  let row = 0;
  const begin = (header: readonly string[]) => {
    width = header.length;
    const missing = Object.keys(wanted).filter((name) => !header.includes(name));
    if (missing.length > 0) {
      const there = header.length > 12 ? [...header.slice(0, 12), "…"] : header;
      throw new UserError(
        `${path}: no column ${missing.map((name) => `'${name}'`).join(", ")}; ` +
          `it has ${there.join(", ")}.`,
        "Give the file that has these columns.",
      );
    }
    for (const [name, type] of Object.entries({ ...options.optional, ...wanted })) {
      const at = header.indexOf(name);
      if (at < 0) continue;
      if (type === "text") {
        const column: string[] = [];
        texts.set(name, column);
        readers.push((cells) => column.push(cells[at].trim()));
      } else {
        const column: number[] = [];
        numbers.set(name, column);
        readers.push((cells) => column.push(number(path, row, name, cells[at])));
      }
    }
  };
  await eachRow(path, (cells) => {
    if (row === 0) {
      begin(cells.map((cell) => cell.trim()));
    } else {
      if (cells.length !== width) {
        throw new UserError(
          `${path}, row ${row}: ${cells.length} cells under a header of ${width}.`,
          "The file is damaged or cut off: download or write it again.",
        );
      }
      for (const read of readers) read(cells);
    }
    row++;
  });
  if (row === 0) throw new UserError(`${path}: the file is empty.`, "Give a CSV with a header.");
  return {
    ...Object.fromEntries(texts),
    ...Object.fromEntries([...numbers].map(([name, values]) => [name, Float64Array.from(values)])),
  };
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

/** Call `use` with each row, the header first, until it returns false or throws. */
async function eachRow(path: string, use: (cells: string[]) => unknown): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) throw new UserError(`${path}: no such file.`, "Check the path.");
  const file = createReadStream(path);
  const source = /\.gz$/i.test(path) ? file.pipe(createGunzip()) : file;
  try {
    await new Promise<void>((resolve, reject) => {
      file.on("error", reject);
      source.on("error", reject);
      let first = true;
      Papa.parse<string[]>(source, {
        skipEmptyLines: "greedy",
        step: ({ data }, parser) => {
          // Some writers mark UTF-8 by an invisible first character.
          if (first) data[0] = data[0].replace(/^\ufeff/, "");
          first = false;
          try {
            if (use(data) !== false) return;
          } catch (error) {
            reject(error);
          }
          parser.abort();
        },
        complete: () => resolve(),
        error: reject,
      });
    });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${path}: cannot be read (${error instanceof Error ? error.message : error}).`,
      "The file is damaged: download or write it again.",
      { cause: error },
    );
  } finally {
    file.destroy();
  }
}

function number(path: string, row: number, name: string, cell: string): number {
  const text = cell.trim();
  if (text === "" || /^nan$/i.test(text)) return Number.NaN;
  const value = Number(text);
  if (Number.isNaN(value)) {
    throw new UserError(
      `${path}, row ${row}: '${name}' is '${text}'; expected a number.`,
      "Correct the cell or leave it empty.",
    );
  }
  return value;
}
