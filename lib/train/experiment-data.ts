import { existsSync } from "node:fs";
import { UserError } from "../core/errors";
import { idKey } from "../core/ids";
import { Random } from "../core/random";
import { asText } from "../core/table";
import { type AssignedSplits, assignSplits } from "../data/assign-splits";
import type { Dataset } from "../data/dataset";
import { findDuplicates } from "../data/duplicates";
import { openDataset } from "../data/open";
import { balancedRows } from "../data/sampling";
import { readSplit, rowsOfSplit } from "../data/splits";
import { usualCrop } from "../data/usual-crop";
import { modelDefinition } from "../models/registry";
import { createTask } from "../tasks/registry";
import type { Strata, Task } from "../tasks/task";
import type { ExperimentConfig } from "./config";
import { checkRowDigests, someOf } from "./row-digests";
import type { RunFolder } from "./run-folder";

/** A data set with its rows assigned to training, validation and test. */
export interface SplitDataset {
  /** Its table's column `split` says where each row went; `unused` for a row of none. */
  readonly dataset: Dataset;
  /** What a network is asked about it. */
  readonly task: Task;
  /** Rows to learn from, balanced where the config says so. */
  readonly train: Uint32Array;
  /** Rows that decide which epoch is best, balanced where the config says so. May be empty. */
  readonly val: Uint32Array;
  /** Rows that the finished model is tested on, as they come. May be empty. */
  readonly test: Uint32Array;
  /** What a person should know of the data, a sentence each: rows that came since the run began. */
  readonly notices: readonly string[];
}

/** How {@link openSplit} opens data. */
export interface OpenSplitOptions {
  /** A run whose split is kept, and whose data must not have changed. Default: none, and the split is drawn. */
  readonly run?: RunFolder;
  /** Called while a data set is downloaded or generated, with bytes or galaxies done and in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Side in pixels that an experiment's images are brought to: `data.size`, else the model's own. */
export function experimentSize({ model, data }: Pick<ExperimentConfig, "model" | "data">): number {
  return data.size ?? modelDefinition(model.name).inputSize[0];
}

/**
 * Open an experiment's data at the model's size and assign each row to a split, class by class.
 *
 * A data set that brings its own split keeps it; see {@link assignSplits}. Rows of one object (within
 * 2″ on the sky, or equal files) go to one split. Images of Galaxy Zoo's size and above are cropped to
 * their middle unless `crop` says otherwise. `balance` acts after the split, so that no galaxy is both
 * learned from and tested on.
 *
 * @throws UserError when galaxies of `run` are gone, or have other targets
 */
export async function openSplit(
  config: Omit<ExperimentConfig, "predict">,
  { run, onProgress }: OpenSplitOptions = {},
): Promise<SplitDataset> {
  const { data, task: name, train } = config;
  const opened = await openDataset(data.spec, {
    skipBad: data.skipBad,
    tree: data.tree,
    votes: data.votes,
    onProgress,
    crop: data.crop ?? usualCrop,
    size: experimentSize(config),
    interpolation: modelDefinition(config.model.name).preprocessing.interpolation,
  });
  try {
    const task = createTask(opened, { task: name, loss: train.loss });
    const strata = task.strata(opened);
    const { split, notices } =
      run !== undefined && existsSync(run.splitPath)
        ? await keptSplit(run, task, opened, data.spec)
        : await drawnSplit(opened, strata, data);
    const rowsToLearn = (name: string) => {
      const rows = rowsOfSplit(split, name);
      // Rows repeated would only be counted twice where nothing is learned.
      const repeats = data.balance === "oversample" && name !== "train";
      if (data.balance === undefined || repeats) return rows;
      const random = new Random(data.splitSeed, `balanced ${name}`);
      return balancedRows(strata.of, rows, data.balance, random);
    };
    return {
      dataset: { ...opened, table: { ...opened.table, split: [...split] } },
      task,
      train: rowsToLearn("train"),
      val: rowsToLearn("val"),
      test: rowsOfSplit(split, "test"),
      notices: [...(opened.notices ?? []), ...notices],
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function drawnSplit(
  dataset: Dataset,
  { of, names }: Strata,
  data: ExperimentConfig["data"],
): Promise<AssignedSplits> {
  const { table } = dataset;
  const [train, val, test] = data.split;
  const { groups } = await findDuplicates(dataset, { images: "files" });
  return assignSplits(of, {
    shares: { train, val, test },
    seed: data.splitSeed,
    fraction: data.fraction,
    given: table.split === undefined ? undefined : asText(table.split),
    classNames: names,
    groups,
  });
}

/**
 * The split that a run began with. Drawn again it would be another one as soon as a row came or went, and
 * galaxies that were learned from would be tested on.
 */
async function keptSplit(
  run: RunFolder,
  task: Task,
  dataset: Dataset,
  spec: string,
): Promise<AssignedSplits> {
  const ids = asText(dataset.table.id);
  const splits = await readSplit(run.splitPath);
  const here = new Set(ids.map(idKey));
  const gone = [...splits].filter(([id, split]) => split !== "unused" && !here.has(id));
  if (gone.length > 0) {
    throw new UserError(
      `${someOf(gone.map(([id]) => id))} of the run's ${run.splitPath} ${gone.length === 1 ? "is" : "are"} no longer in ${spec}`,
      "put them back, or restart the run",
    );
  }
  const added = ids.filter((id) => !splits.has(idKey(id)));
  const notice =
    `${someOf(added)} came to ${spec} since this run began and ${added.length === 1 ? "is" : "are"}` +
    " not used; restart the run to use them";
  const changed = await checkRowDigests(run.digestsPath, task, dataset, spec);
  return {
    split: ids.map((id) => splits.get(idKey(id)) ?? "unused"),
    notices: added.length > 0 ? [notice, ...changed] : changed,
  };
}
