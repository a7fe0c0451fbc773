import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { UserError } from "../core/errors";
import { idKey } from "../core/ids";
import { asText } from "../core/table";
import type { Dataset } from "../data/dataset";
import { readSplit } from "../data/splits";
import { writeFileAtomic } from "../io/atomic";
import { readCsv } from "../io/csv";
import { formatCsv } from "../io/csv-text";
import type { Task } from "../tasks/task";
import type { SplitDataset } from "./experiment-data";
import type { RunFolder } from "./run-folder";

/** So many pictures are looked at again when a run goes on: reading all would take as long as an epoch. */
const LOOKED_AT = 64;

/** Short enough to read, and two of a million differ. */
const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex").slice(0, 12);

function targetDigests(task: Task, dataset: Dataset, rows: readonly number[]): string[] {
  const targets = task.targets(dataset, rows);
  return rows.map((_, i) => {
    const own = targets.slice(i * task.targetWidth, (i + 1) * task.targetWidth);
    return digest(new Uint8Array(own.buffer));
  });
}

/** A digest of each row's picture. */
export async function pictureDigests(dataset: Dataset, rows: readonly number[]): Promise<string[]> {
  if (rows.length === 0) return [];
  const pixels = await dataset.read(rows);
  const each = pixels.length / rows.length;
  return rows.map((_, i) => digest(pixels.subarray(i * each, (i + 1) * each)));
}

/**
 * Note what a run learns from: CSV `id,target,picture` of the rows that are in a split, with a digest of
 * each one's target, and of some pictures.
 */
export async function saveRowDigests(
  path: string,
  { dataset, task }: Pick<SplitDataset, "dataset" | "task">,
): Promise<void> {
  const { id, split } = dataset.table;
  const ids = asText(id);
  const used = asText(split).flatMap((name, row) => (name === "unused" ? [] : [row]));
  const targets = targetDigests(task, dataset, used);
  const count = Math.min(LOOKED_AT, used.length);
  // From the first to the last: rows often stand class by class.
  const looked = Array.from(
    { length: count },
    (_, i) => used[Math.floor((i * used.length) / count)],
  );
  const pictures = await pictureDigests(dataset, looked);
  const pictureOf = new Map(looked.map((row, i) => [row, pictures[i]]));
  const rows = used.map((row, i) => [ids[row], targets[i], pictureOf.get(row) ?? ""]);
  writeFileAtomic(path, formatCsv(["id", "target", "picture"], rows));
}

/**
 * Compare data with what {@link saveRowDigests} noted.
 *
 * @returns Sentences about pictures that look otherwise now: that may also come from another version of
 *   the program that reads them.
 * @throws UserError naming galaxies whose targets are others
 */
export async function checkRowDigests(
  path: string,
  task: Task,
  dataset: Dataset,
  spec: string,
): Promise<string[]> {
  if (!existsSync(path)) return [];
  const { columns } = await readCsv(path, { id: "text", target: "text", picture: "text" });
  const rowOf = new Map(asText(dataset.table.id).map((id, row) => [idKey(id), row]));
  const [targets, pictures] = [asText(columns.target), asText(columns.picture)];
  const noted = asText(columns.id).flatMap((id, i) => {
    const row = rowOf.get(idKey(id));
    return row === undefined ? [] : [{ id, row, target: targets[i], picture: pictures[i] }];
  });
  const now = targetDigests(
    task,
    dataset,
    noted.map(({ row }) => row),
  );
  const changed = noted.filter(({ target }, i) => target !== now[i]);
  if (changed.length > 0) {
    throw new UserError(
      `${someOf(changed.map(({ id }) => id))} of ${spec} ${changed.length === 1 ? "has" : "have"} another label or other votes than when the run began`,
      "set them back, or restart the run",
    );
  }
  const looked = noted.filter(({ picture }) => picture !== "");
  const seen = await pictureDigests(
    dataset,
    looked.map(({ row }) => row),
  );
  const others = looked.filter(({ picture }, i) => picture !== seen[i]).map(({ id }) => id);
  if (others.length === 0) return [];
  return [
    `${someOf(others)} of ${spec}, of ${looked.length} that were looked at, ${others.length === 1 ? "shows another picture" : "show other pictures"} than when this run began`,
  ];
}

/**
 * Whether data are those of a run, wherever they lie now: every galaxy of its split is there, with the same
 * target, and the pictures that were looked at are the same.
 *
 * @param dataset Opened as the run opened it.
 */
export async function isRunsData(
  run: RunFolder,
  task: Task,
  dataset: Dataset,
  spec: string,
): Promise<boolean> {
  if (!existsSync(run.digestsPath) || !existsSync(run.splitPath)) return false;
  const here = new Set(asText(dataset.table.id).map(idKey));
  const splits = [...(await readSplit(run.splitPath))];
  if (splits.some(([id, split]) => split !== "unused" && !here.has(id))) return false;
  try {
    return (await checkRowDigests(run.digestsPath, task, dataset, spec)).length === 0;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

/** `3 galaxies (a, b, c)`, with a few names at most. */
export function someOf(ids: readonly string[]): string {
  const shown = `${ids.slice(0, 3).join(", ")}${ids.length > 3 ? ", …" : ""}`;
  return `${ids.length} ${ids.length === 1 ? "galaxy" : "galaxies"} (${shown})`;
}
