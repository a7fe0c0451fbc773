import { dirname, resolve } from "node:path";
import { UserError } from "../core/errors";
import { rowsById } from "../core/ids";
import type { Shard } from "../core/shard";
import { asText, type Column, isUnknown, type Table } from "../core/table";
import type { ColumnType } from "../io/csv-table";
import { readTable, tableHeader, tableName } from "../io/table-file";
import type { Dataset } from "./dataset";
import { openVotes } from "./gz2-catalog";
import { type ImageTableOptions, openImageRows } from "./image-table";
import { alikeClasses } from "./labels";
import { readVoteColumns } from "./read-votes";
import { splitNamed } from "./split-names";
import { decisionTrees, openTree } from "./trees";
import { findVoteColumns, type VoteKind } from "./vote-columns";

/** How a table of galaxies is read. */
export interface CatalogOptions extends ImageTableOptions {
  /**
   * What its votes are about: the name of a decision tree (gz2, gz2-main, decals), or a YAML file of
   * questions. Default: the tree whose answers head its columns.
   */
  readonly tree?: string;
  /**
   * `debiased` for the votes that are corrected for distance, `cast` for those that the volunteers gave.
   * Default: debiased ones where the table has them.
   */
  readonly votes?: VoteKind;
  /**
   * Only this part of the rows, of a table with `path`: the others take no memory. Classes are those that
   * the part has. Default: all rows.
   */
  readonly shard?: Shard;
}

/** Columns that other tables keep splits in. */
const splitLike = /^(splits?|(sub)?set|partition|fold)$/i;

/** Columns of a catalog that are numbers; all others but votes are text. */
const numeric = new Set(["ra", "dec", "redshift", "pxscale", "magnitude", "radius"]);

/** Columns that other tables keep classes in. */
const labelLike = /^(class|classes|class_?name|labels?|label1|target|type|morphology|gz2_class)$/i;

/**
 * Open a table of galaxies, a CSV or a Parquet file: `id,path`, and where they are known `label`, `split`, `ra`, `dec`,
 * `redshift`, `magnitude`, `radius`; or `id,path` with the votes for each answer of a decision tree,
 * or with one column of fractions an answer. Other columns of a table without labels are kept as they
 * are. A table of Galaxy Zoo 2 with `asset_id` is read with the images in `images/` beside it.
 *
 * Paths are relative to the table. Labels are names; numbers are taken for names too, in order. An
 * empty label, `nan`, `NA` or `null` is a galaxy without a label.
 *
 * @throws UserError naming file, row and column.
 */
export async function openCatalog(path: string, options: CatalogOptions): Promise<Dataset> {
  const header = await tableHeader(path);
  const name = tableName(path);
  const folder = dirname(resolve(path));
  const { tree, votes: kind, shard } = options;
  const trees = tree === undefined ? Object.values(decisionTrees) : [await openTree(tree)];
  if (header.includes("asset_id") && !header.includes("path")) {
    return openVotes(name, { votes: path, images: resolve(folder, "images") }, trees, {
      ...options,
      kind,
    });
  }
  const voted = findVoteColumns(path, header, trees, kind);
  if (voted === undefined && kind !== undefined) {
    throw new UserError(
      `${path} has no votes of a decision tree, so that votes: ${kind} can have no effect.`,
      "Leave it out, or say which tree.",
    );
  }
  const others =
    header.includes("label") || voted !== undefined ? [] : header.filter((c) => !isPlain(c));
  const maySplit = header.includes("split") ? [] : header.filter((name) => splitLike.test(name));
  const texts = ["label", "split", ...others, ...maySplit];
  const optional: Readonly<Record<string, ColumnType>> = {
    ...Object.fromEntries(texts.map((column) => [column, "text"] as const)),
    ...Object.fromEntries([...numeric].map((column) => [column, "number"] as const)),
    ...voted?.wanted,
  };
  const csv = await readTable(path, { id: "text", path: "text" }, { optional, shard });
  const { columns } = csv;
  const at = (index: number) => `${path}, row ${csv.rowNumber(index)}`;
  const ids = asText(columns.id);
  rowsById(ids, path, csv.rowNumber);
  const paths = asText(columns.path).map((file) => resolve(folder, file));
  const table: Record<string, Column> = { ...columns, path: paths };
  const notices: string[] = [];
  if (columns.split) table.split = readSplits(asText(columns.split), at);
  for (const column of maySplit) refuseSplit(path, column, asText(columns[column]));
  if (columns.label) {
    const classNames = readLabels(table, asText(columns.label), notices);
    return openImageRows({ name, classNames, table, notices, paths }, options);
  }
  if (voted !== undefined) {
    const rows = ids.map((_, row) => row);
    const read = readVoteColumns(path, csv, rows, voted);
    for (const column of Object.keys(voted.wanted)) delete table[column];
    const all = { name, classNames: [], table, paths, votes: read.votes };
    return openImageRows({ ...all, notices: [...notices, ...read.notices] }, options);
  }
  const answers = votesAmong(path, others, columns);
  if (answers.length === 0) {
    if (others.length > 0) {
      notices.push(
        `The columns ${others.join(", ")} are neither labels nor fractions: kept as text, unlabeled.`,
      );
    }
    const rows = { name, classNames: [], table, notices, paths };
    return openImageRows(rows, options);
  }
  for (const answer of answers) delete table[answer];
  const values = answers.map((answer) => asText(columns[answer]));
  const fractions = new Float64Array(answers.length * ids.length);
  for (const [a, texts] of values.entries()) {
    for (const [row, text] of texts.entries()) {
      fractions[row * answers.length + a] = fractionOf(text) ?? refuse(at(row), answers[a], text);
    }
  }
  const votes = { questions: [{ name: "votes", answers }], answers, fractions };
  return openImageRows({ name, classNames: [], table, votes, notices, paths }, options);
}

/** Fill in `label` and say how many rows have none. @returns the names of the classes */
function readLabels(
  table: Record<string, Column>,
  labels: readonly string[],
  notices: string[],
): string[] {
  const order = new Intl.Collator("en", { numeric: true });
  const names = labels.map((label) => (isUnknown(label) ? "" : label.normalize("NFC")));
  const classNames = [...new Set(names)].filter((name) => name !== "").sort(order.compare);
  const alike = alikeClasses(classNames);
  if (alike !== undefined) {
    notices.push(
      `The classes '${alike[0]}' and '${alike[1]}' differ in upper and lower case or spaces only, and count as two.`,
    );
  }
  const index = new Map(classNames.map((className, i) => [className, i]));
  table.label = Int32Array.from(names, (className) => index.get(className) ?? -1);
  const missing = names.filter((className) => className === "").length;
  if (missing > 0) {
    const how = [...new Set(labels.filter((label) => isUnknown(label)))];
    notices.push(
      `${missing} of ${labels.length} rows have no label (${how.map((x) => `'${x}'`).join(", ")}).`,
    );
  }
  return classNames;
}

function readSplits(splits: readonly string[], at: (index: number) => string): string[] {
  return splits.map((word, row) => {
    const split = word === "" ? "" : splitNamed(word);
    if (split !== undefined) return split;
    throw new UserError(
      `${at(row)}: split is '${word}'; expected train, val or test.`,
      "Correct it, or leave it empty for a row that is not to be used in training.",
    );
  });
}

/** @throws UserError where a column says which galaxies are learned from: another split would be drawn without a word */
function refuseSplit(path: string, column: string, words: readonly string[]): void {
  if (!words.some((word) => splitNamed(word) !== undefined)) return;
  throw new UserError(
    `${path}: no column 'split', but '${column}' may be meant.`,
    `Rename '${column}' to split, or remove it to have a split drawn.`,
  );
}

/** The columns that hold vote fractions: all that are not known otherwise, or none. */
function votesAmong(path: string, others: readonly string[], columns: Table): readonly string[] {
  const like = others.find((column) => labelLike.test(column));
  if (like !== undefined) {
    throw new UserError(
      `${path}: no column 'label', but '${like}' may be meant.`,
      `Rename '${like}' to label, or remove it to read the galaxies without labels.`,
    );
  }
  const isVotes = (column: string) =>
    asText(columns[column]).every((text) => fractionOf(text) !== undefined);
  return others.some(isVotes) ? others : [];
}

/** A number from 0 to 1, NaN where nothing is given, or nothing where it is something else. */
function fractionOf(text: string): number | undefined {
  if (isUnknown(text)) return Number.NaN;
  const value = Number(text);
  return value >= 0 && value <= 1 ? value : undefined;
}

function refuse(at: string, column: string, text: string): never {
  throw new UserError(
    `${at}: ${column} is ${text}; expected a fraction, 0–1.`,
    "Give fractions, or remove columns that are none.",
  );
}

function isPlain(column: string): boolean {
  return column === "id" || column === "path" || column === "split" || numeric.has(column);
}
