import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../core/errors";
import { idKey } from "../core/ids";
import { asText, type Column, type Table } from "../core/table";
import type { ColumnType } from "../io/csv-table";
import { readTable, tableHeader } from "../io/table-file";
import type { Dataset, SkippedRow } from "./dataset";
import type { DecisionTree } from "./decision-tree";
import { type ImageTableOptions, openImageRows, takeRows } from "./image-table";
import { type ReadVotes, readVoteColumns } from "./read-votes";
import { findVoteColumns, type VoteKind } from "./vote-columns";

/** Where the parts of Galaxy Zoo 2 lie. */
export interface Gz2Paths {
  /** Hart et al.'s table: CSV, plain or gzipped, or Parquet. */
  readonly votes: string;
  /** Folder of images named `<asset_id>.jpg`. */
  readonly images: string;
  /** `gz2_filename_mapping.csv`; not needed where the table has `asset_id` itself. */
  readonly mapping?: string;
}

/** Galaxies of Galaxy Zoo 2 that have an image. */
export interface Gz2Rows extends ReadVotes {
  /** `id` (the asset's), `objid`, and where the table has them `ra`, `dec`, `gz2_class`. */
  readonly table: Table;
  /** Image file of each row. */
  readonly paths: readonly string[];
  /** Galaxies without an image. */
  readonly skipped: readonly SkippedRow[];
}

/**
 * Read the votes of the galaxies that have an image.
 *
 * @param trees As {@link findVoteColumns} takes them.
 * @param kind Which votes. Default: debiased ones where there are any.
 * @throws UserError naming file and row: a missing column, an id that is there twice, a fraction
 * outside 0–1.
 */
export async function readGz2(
  paths: Gz2Paths,
  trees: readonly DecisionTree[],
  kind?: VoteKind,
): Promise<Gz2Rows> {
  const header = await tableHeader(paths.votes);
  const objid = header.includes("dr7objid") ? "dr7objid" : "objid";
  const columns = findVoteColumns(paths.votes, header, trees, kind);
  if (columns === undefined)
    throw new UserError(`${paths.votes} has no votes`, "give a table of votes");
  const wanted: Record<string, ColumnType> = { [objid]: "text", ...columns.wanted };
  if (header.includes("asset_id")) wanted.asset_id = "text";
  const csv = await readTable(paths.votes, wanted, {
    optional: { ra: "number", dec: "number", gz2_class: "text" },
  });
  const votes = csv.columns;
  const objids = asText(votes[objid]);
  const assets = votes.asset_id ? asText(votes.asset_id).map(idKey) : await assetsOf(paths, objids);
  const there = new Set(
    await readdir(paths.images).catch((cause: unknown) => {
      throw new UserError(`${paths.images}: cannot be read as a folder.`, "Check the path.", {
        cause,
      });
    }),
  );
  const skipped: SkippedRow[] = [];
  const rows: number[] = [];
  const seen = new Set<string>();
  for (const [row, asset] of assets.entries()) {
    if (asset === "" || !there.has(`${asset}.jpg`)) {
      const reason = asset === "" ? "not in the mapping" : "no image";
      skipped.push({ id: asset || objids[row], reason });
      continue;
    }
    if (seen.has(asset)) {
      throw new UserError(
        `${paths.votes}, row ${csv.rowNumber(row)}: asset ${asset} is there twice.`,
        "Keep one row a galaxy.",
      );
    }
    seen.add(asset);
    rows.push(row);
  }
  if (rows.length === 0) {
    throw new UserError(
      `${paths.images}: no image of the ${assets.length} galaxies in ${paths.votes}.`,
      "Give the folder of images named <asset_id>.jpg.",
    );
  }
  const table: Record<string, Column> = { id: assets, objid: objids };
  for (const key of ["ra", "dec", "gz2_class"]) if (votes[key]) table[key] = votes[key];
  return {
    table: takeRows(table, rows),
    paths: rows.map((row) => join(paths.images, `${assets[row]}.jpg`)),
    ...readVoteColumns(paths.votes, csv, rows, columns),
    skipped,
  };
}

/** Galaxies with their vote fractions as a data set. */
export async function openVotes(
  name: string,
  paths: Gz2Paths,
  trees: readonly DecisionTree[],
  options: ImageTableOptions & { kind?: VoteKind } = {},
): Promise<Dataset> {
  const rows = await readGz2(paths, trees, options.kind);
  return openImageRows({ name, classNames: [], ...rows }, options);
}

/** The asset of each galaxy by `gz2_filename_mapping.csv`, or an empty text. */
async function assetsOf(paths: Gz2Paths, objids: readonly string[]): Promise<string[]> {
  if (!paths.mapping) {
    throw new UserError(
      `${paths.votes}: no column 'asset_id'.`,
      "Give gz2_filename_mapping.csv, which says which image belongs to which galaxy.",
    );
  }
  return picturesOf(objids, paths.mapping);
}

/**
 * The pictures of objects, by their `asset_id`; empty where an object has none.
 *
 * @param mapping `gz2_filename_mapping.csv`: which picture shows which object.
 * @throws UserError where it cannot be read, or a column is not there
 */
export async function picturesOf(objids: readonly string[], mapping: string): Promise<string[]> {
  const { columns } = await readTable(mapping, { objid: "text", asset_id: "text" });
  const assets = asText(columns.asset_id);
  const assetOf = new Map(asText(columns.objid).map((objid, i) => [idKey(objid), assets[i]]));
  return objids.map((objid) => idKey(assetOf.get(idKey(objid)) ?? ""));
}
