import { existsSync } from "node:fs";
import { boostedPredictor } from "../boost/boosted-predictor";
import { UserError } from "../core/errors";
import { printable } from "../core/printable";
import { parseShard } from "../core/shard";
import type { Dataset } from "../data/dataset";
import { openDataset } from "../data/open";
import { usualCrop } from "../data/usual-crop";
import { findPath } from "../io/paths";
import { isTablePath, tableHeader, tableSize } from "../io/table-file";
import { matchingCrop } from "../predict/matching-crop";
import { networkPredictor } from "../predict/network-predictor";
import type { Predictor } from "../predict/predictor";
import { taskFromDescription } from "../tasks/registry";
import type { Task } from "../tasks/task";
import { rowsAsked, rowsOfShard, rowsOptions, votesOf } from "./asked-rows";
import { modelOptions, modelView, type NamedModel, namedModel } from "./named-model";
import type { Values } from "./verb";

/** Options of the verbs that ask a trained model about galaxies. */
export const askOptions = {
  ...modelOptions,
  data: {
    type: "text",
    value: "SPEC",
    help: "The galaxies, with labels or without: a registered name, an .h5 file, a CSV or Parquet table, a folder of images or of class folders, an image.",
    required: "synthetic",
  },
  ...rowsOptions,
  crop: {
    type: "integer",
    value: "N",
    help: "Side in pixels of the middle cut out of each image. Default: as in training.",
    least: 1,
  },
} as const;

/** A model, and the galaxies that it is asked about. */
export interface Asked {
  readonly named: NamedModel;
  /** The network, or boosted trees by its features. */
  readonly predictor: Predictor;
  /** Read as the model looks at it. */
  readonly dataset: Dataset;
  /** Numbers of the rows. */
  readonly rows: Uint32Array;
  /** Those of all parts; none where of a long catalog only the part was read. */
  readonly all?: Uint32Array;
}

/**
 * Open the model and the galaxies that a command line names, do something with them, and free both.
 *
 * @throws UserError when one of them is not there, or they do not belong together
 */
export async function askModel<T>(
  { data, split, shard, crop, ...values }: Values<typeof askOptions>,
  use: (asked: Asked) => Promise<T>,
): Promise<T> {
  const named = await namedModel(values);
  const { model, description, trained } = named;
  let predictor: Predictor | undefined;
  let dataset: Dataset | undefined;
  try {
    if (description.task === undefined) {
      throw new UserError(
        "the model's file does not say what its outputs are called",
        "train it again, or save it with its task",
      );
    }
    predictor = predictorOf(named, taskFromDescription(description.task));
    const { task } = predictor;
    const skipBad = trained?.experiment.data.skipBad;
    // Of a long catalog only the part is read; what skips galaxies counts them all.
    const part = shard !== undefined && split === "all" && !skipBad && (await hasPaths(data));
    dataset = await openDataset(data, {
      ...modelView(named, crop),
      skipBad,
      ...votesOf(named, data),
      ...(part && { shard: parseShard(shard) }),
    });
    const { warning } = matchingCrop(description.view, dataset.sourceSize, usualCrop);
    if (crop === undefined && warning !== undefined) console.error(`${warning} (--crop N)`);
    for (const notice of [...(dataset.notices ?? []), ...task.notices(dataset)]) {
      console.error(printable(notice));
    }
    const all = await rowsAsked(named, task, dataset, data, split);
    if (part) return await use({ named, predictor, dataset, rows: all });
    const rows = rowsOfShard(dataset.name, all, shard);
    return await use({ named, predictor, dataset, rows, all });
  } finally {
    await dataset?.close();
    predictor?.dispose();
    named.trees?.dispose();
    model.dispose();
  }
}

function predictorOf({ model, trees, task, trained }: NamedModel, own: Task): Predictor {
  const options = trained?.experiment.predict;
  return trees === undefined || task === undefined
    ? networkPredictor(model, own, options)
    : boostedPredictor({ backbone: model, backboneTask: own, trees, task }, options);
}

/** Whether this is a table of galaxies that names their files. */
async function hasPaths(spec: string): Promise<boolean> {
  const path = findPath(spec);
  if (!isTablePath(path) || !existsSync(path)) return false;
  return (await tableHeader(path)).includes("path");
}

/** How many rows a table has that names the galaxies' files; nothing where the data are something else. */
export async function catalogSize(spec: string): Promise<number | undefined> {
  return (await hasPaths(spec)) ? tableSize(findPath(spec)) : undefined;
}
