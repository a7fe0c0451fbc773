import { open } from "node:fs/promises";
import type { Table } from "../core/table";
import { atomicPath } from "./atomic";
import { csvLine } from "./csv-text";

/**
 * Write a table as CSV, piece after piece, so that no more than one is held. The file appears by rename once
 * it is whole. A number that is not known (NaN) is an empty cell.
 *
 * @param columns Names of the columns, in the file's order.
 * @param pieces Tables that have all these columns.
 * @returns the number of rows
 * @throws UserError when the disk refuses; whatever the pieces throw
 */
export function writeCsv(
  path: string,
  columns: readonly string[],
  pieces: AsyncIterable<Table> | Iterable<Table>,
): Promise<number> {
  return atomicPath(path, async (temporary) => {
    const file = await open(temporary, "w");
    try {
      let rows = 0;
      await file.write(`${csvLine(columns)}\n`);
      for await (const piece of pieces) {
        const own = columns.map((name) => piece[name]);
        const lines = Array.from({ length: own[0].length }, (_, row) =>
          csvLine(own.map((column) => (Number.isNaN(column[row]) ? "" : column[row]))),
        );
        if (lines.length > 0) await file.write(`${lines.join("\n")}\n`);
        rows += lines.length;
      }
      return rows;
    } finally {
      await file.close();
    }
  });
}
