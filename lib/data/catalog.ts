import { basename, dirname, resolve } from "node:path";
import { UserError } from "../core/errors";
import { asNumbers, asText, type Column } from "../core/table";
import { type ColumnType, csvHeader, readCsv } from "../io/csv";
import type { Dataset, VoteQuestion } from "./dataset";
import { gz2Questions } from "./galaxy-zoo-tree";
import { openVotes } from "./gz2-catalog";
import { type ImageTableOptions, openImageRows } from "./image-table";

/** Columns of a catalog that are numbers; all others but votes are text. */
const numeric = new Set(["ra", "dec", "redshift", "pxscale", "magnitude", "radius"]);

/**
 * Open a CSV of galaxies: `id,path,label` (and `split`, `ra`, `dec`, `redshift`, `magnitude`,
 * `radius` where it has them), or `id,path` with one column of fractions an answer. A table of
 * Galaxy Zoo 2 with `asset_id` and `…_debiased` is read with the images in `images/` beside it.
 *
 * Paths are relative to the CSV. Labels are names; numbers are taken for names too, in order.
 *
 * @throws UserError naming file, row and column.
 */
export async function openCatalog(path: string, options: ImageTableOptions): Promise<Dataset> {
  const header = await csvHeader(path);
  const name = basename(path).replace(/\.csv(\.gz)?$/i, "");
  const folder = dirname(resolve(path));
  if (header.includes("asset_id") && header.some((column) => column.endsWith("_debiased"))) {
    const answers = header.filter((c) => c.endsWith("_debiased")).map((c) => c.slice(0, -9));
    const questions = gz2Questions
      .map((q) => ({ ...q, answers: q.answers.filter((answer) => answers.includes(answer)) }))
      .filter((q) => q.answers.length > 0);
    return openVotes(name, { votes: path, images: resolve(folder, "images") }, questions, options);
  }
  const wanted: Record<string, ColumnType> = { id: "text", path: "text" };
  const votes = header.includes("label") ? [] : header.filter((c) => !isPlain(c));
  if (votes.length === 0) wanted.label = "text";
  for (const answer of votes) wanted[answer] = "number";
  const optional: Record<string, ColumnType> = { split: "text" };
  for (const column of numeric) optional[column] = "number";
  const columns = await readCsv(path, wanted, { optional });
  const ids = asText(columns.id);
  uniqueIds(path, ids);
  const paths = asText(columns.path).map((file) => resolve(folder, file));
  const table: Record<string, Column> = {};
  for (const [key, column] of Object.entries(columns))
    if (!votes.includes(key)) table[key] = column;
  table.path = paths;
  if (votes.length > 0) {
    const questions: VoteQuestion[] = [{ name: "votes", answers: votes }];
    const fractions = interleave(
      path,
      votes.map((answer) => asNumbers(columns[answer])),
      votes,
    );
    const all = { questions, answers: votes, fractions };
    return openImageRows({ name, classNames: [], table, votes: all, paths }, options);
  }
  const labels = asText(columns.label);
  const missing = labels.indexOf("");
  if (missing >= 0) {
    throw new UserError(
      `${path}, row ${missing + 1}: no label for id '${ids[missing]}'.`,
      "Fill in the label or remove the row.",
    );
  }
  const order = new Intl.Collator("en", { numeric: true });
  const classNames = [...new Set(labels)].sort(order.compare);
  table.label = Int32Array.from(labels, (label) => classNames.indexOf(label));
  return openImageRows({ name, classNames, table, paths }, options);
}

function isPlain(column: string): boolean {
  return column === "id" || column === "path" || column === "split" || numeric.has(column);
}

function uniqueIds(path: string, ids: readonly string[]): void {
  const seen = new Map<string, number>();
  for (const [row, id] of ids.entries()) {
    const before = seen.get(id);
    if (before !== undefined) {
      throw new UserError(
        `${path}, row ${row + 1}: id '${id}' is that of row ${before + 1} too.`,
        "Give each galaxy an id of its own.",
      );
    }
    seen.set(id, row);
  }
}

function interleave(
  path: string,
  columns: readonly (readonly number[])[],
  names: readonly string[],
): Float64Array {
  const out = new Float64Array(columns.length * columns[0].length);
  for (const [a, column] of columns.entries()) {
    for (const [row, value] of column.entries()) {
      if (value < 0 || value > 1) {
        throw new UserError(
          `${path}, row ${row + 1}: ${names[a]} is ${value}; expected a fraction, 0–1.`,
          "Give fractions, and name columns that are none id, path, split, ra, dec, … ",
        );
      }
      out[row * columns.length + a] = value;
    }
  }
  return out;
}
