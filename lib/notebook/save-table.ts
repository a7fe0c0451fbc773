import { dirname } from "node:path";
import type { Table } from "../core/table";
import { tableCsv, tableLatex } from "../evaluate/model-table";
import { makeFolder, writeFileAtomic } from "../io/atomic";

/**
 * Keep a table for a paper and for programs: `PATH.tex`, with the rules of booktabs, and `PATH.csv`.
 *
 * @param path Without extension.
 * @returns the files written
 */
export function saveTable(path: string, table: Table): string[] {
  makeFolder(dirname(path));
  writeFileAtomic(`${path}.csv`, tableCsv(table));
  writeFileAtomic(`${path}.tex`, tableLatex(table));
  return [`${path}.csv`, `${path}.tex`];
}
