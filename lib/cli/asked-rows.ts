import { UserError } from "../core/errors";
import { idKey } from "../core/ids";
import { parseShard, shardOf } from "../core/shard";
import { asText } from "../core/table";
import type { Dataset } from "../data/dataset";
import { isSameData } from "../data/same-data";
import { splitNamed } from "../data/split-names";
import { readSplit, rowsOfSplit } from "../data/splits";
import { everyRow } from "../predict/predictor";
import type { Task } from "../tasks/task";
import { isRunsData } from "../train/row-digests";
import type { NamedModel } from "./named-model";

/** Options of the verbs that go through galaxies: which of them. */
export const rowsOptions = {
  split: {
    type: "text",
    value: "NAME",
    help: "Of the run's own split where the data are the run's, wherever they lie now, else of the data's: train, val, test or all.",
    default: "all",
  },
  shard: {
    type: "text",
    value: "K/N",
    help: "The K-th of N parts of these galaxies, which follow each other: 1/50 … 50/50 are all of them.",
  },
} as const;

/** How the votes of a run's own data are read. */
export function votesOf({ trained }: NamedModel, spec: string) {
  if (trained === undefined || !isSameData(trained.experiment.data.spec, spec)) return {};
  const { tree, votes } = trained.experiment.data;
  return { tree, votes };
}

/** The part of a data set's rows that was asked for. Default: all. @throws UserError when it is empty */
export function rowsOfShard(name: string, rows: Uint32Array, shard?: string): Uint32Array {
  return shard === undefined
    ? rows
    : rows.subarray(...shardOf(name, rows.length, parseShard(shard)));
}

/** The rows of the split that was asked for. @throws UserError when there are none */
export async function rowsAsked(
  { trained }: NamedModel,
  task: Task,
  dataset: Dataset,
  spec: string,
  split: string,
): Promise<Uint32Array> {
  if (split === "all") return everyRow(dataset);
  const ids = asText(dataset.table.id);
  const own =
    trained !== undefined &&
    (isSameData(trained.experiment.data.spec, spec) ||
      (await isRunsData(trained.run, task, dataset, spec)));
  const kept = own ? await readSplit(trained.run.splitPath) : undefined;
  const names = kept
    ? ids.map((id) => kept.get(idKey(id)) ?? "")
    : asText(dataset.table.split ?? []);
  const rows = rowsOfSplit(names, splitNamed(split) ?? split);
  if (rows.length > 0) return rows;
  const source = own ? `the run ${trained.run.path}` : spec;
  const others =
    trained === undefined || own
      ? ""
      : ` (these are not the galaxies, labels and pictures of the run ${trained.run.path}, whose own split is therefore not used)`;
  const counts = new Map<string, number>();
  for (const name of names) {
    if (name !== "" && name !== "unused") counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const there = [...counts].map(([name, count]) => `${name} (${count})`).join(", ");
  throw new UserError(
    `${source} has no rows in a split "${split}"; it has ${there === "" ? "no splits" : there}${others}`,
    there === "" ? "give --split all" : "give one of these, or --split all",
  );
}
