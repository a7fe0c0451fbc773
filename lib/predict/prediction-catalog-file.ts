import { UserError } from "../core/errors";
import { writeFitsTable } from "../data/fits-table-file";
import { writeCsv } from "../io/csv-write";
import { writeParquet } from "../io/parquet-write";
import type { Catalog } from "./prediction-catalog";

type WriteCatalog = (path: string, catalog: Catalog) => Promise<number>;

/** Every kind of file by its ending; a new one is a line here. */
const writers: Readonly<Record<string, WriteCatalog>> = {
  csv: (path, { columns, pieces }) => writeCsv(path, Object.keys(columns), pieces),
  parquet: (path, { columns, pieces }) => {
    const types = Object.entries(columns).map(([name, column]) => {
      return [name, typeof column === "string" ? column : "text"] as const;
    });
    return writeParquet(path, Object.fromEntries(types), pieces);
  },
  fits: (path, { columns, pieces }) => writeFitsTable(path, columns, pieces),
};

/** The ending of a path, in small letters, without its dot. */
export function endingOf(path: string): string {
  return /\.([^./\\]+)$/.exec(path)?.[1].toLowerCase() ?? "";
}

/** @throws UserError where a path ends in nothing that a catalog can be written as */
export function checkEnding(path: string): void {
  if (Object.hasOwn(writers, endingOf(path))) return;
  const endings = Object.keys(writers).map((name) => `.${name}`);
  throw new UserError(
    `${path} ends in none of ${endings.join(", ")}`,
    "name the file by what it shall be",
  );
}

/**
 * Write a catalog, as its name ends: `.csv`, `.parquet`, `.fits`. No more than a piece is held, and the file appears once
 * it is whole.
 *
 * @returns the number of rows
 * @throws UserError for another ending, for text that FITS does not take, or when the disk refuses
 */
export async function writeCatalog(path: string, catalog: Catalog): Promise<number> {
  checkEnding(path);
  return writers[endingOf(path)](path, catalog);
}
