import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { UserError } from "../core/errors";
import { writeFileAtomic } from "../io/atomic";
import type { LoadedModel } from "../models/model-file";
import { taskFromDescription } from "../tasks/registry";
import type { Task } from "../tasks/task";
import { digestOf, openCheckpoint } from "../train/checkpoint";
import { type ExperimentConfig, parseConfig } from "../train/config";
import { openTrainedModel } from "../train/experiment-model";
import { RunFolder } from "../train/run-folder";
import { boostSchema } from "./boost-settings";
import { type BoostedTrees, treesOf } from "./boosted-trees";
import { boosterLibrary } from "./registry";

/** `boost.yaml`: what was boosted on which network. */
export const noteSchema = z.object({
  /** Name of the library. */
  library: z.string(),
  /** The library's version. */
  version: z.string(),
  /** Folder of the network's run, as seen from this run's. */
  backbone: z.string(),
  /** SHA-256 of the network's weights. */
  weights: z.string(),
  /** How. */
  boost: boostSchema,
});

/** One file an answer, in the library's own format, as its Python package opens it. */
export function saveTrees(run: RunFolder, { boosters, names, library }: BoostedTrees): void {
  for (const [i, booster] of boosters.entries()) {
    const name = names[i].replace(/[^\p{L}\p{N}._-]+/gu, "-");
    const file = `${String(i + 1).padStart(3, "0")}-${name}${library.extension}`;
    writeFileAtomic(join(run.boostersPath, file), booster.serialize());
  }
}

/** What was boosted, and on which network. @throws UserError when the file is damaged */
export function readNote(run: RunFolder): z.output<typeof noteSchema> {
  const path = run.boostPath;
  let note: unknown;
  try {
    note = parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new UserError(`${path} is damaged`, "put it back, or train the trees again", { cause });
  }
  return parseConfig(noteSchema, note, path);
}

/** The trees of a run and the network that they need. */
export interface OpenedBoosted extends LoadedModel {
  /** Of the network's run. */
  readonly experiment: ExperimentConfig;
  /** The caller's to dispose. */
  readonly trees: BoostedTrees;
  /** What the trees are asked. */
  readonly task: Task;
}

/**
 * The boosted trees of a run's folder, with the network whose features they take.
 *
 * @throws UserError when the network is gone, or has other weights than the trees were trained on
 */
export async function openBoosted(run: RunFolder): Promise<OpenedBoosted> {
  const { library: name, backbone: from, weights } = readNote(run);
  const library = boosterLibrary(name);
  const backbone = new RunFolder(resolve(run.path, from));
  const best = openCheckpoint(backbone.bestPath);
  if (best === undefined) {
    throw new UserError(
      `the trees of ${run.path} need the network of ${backbone.path}, which is not there`,
      "put its folder back",
    );
  }
  if (digestOf(best.files.model) !== weights) {
    throw new UserError(
      `${backbone.path} has other weights than the trees of ${run.path} were trained on`,
      "train the trees again",
    );
  }
  const asked = run.readTask();
  if (asked === undefined) {
    throw new UserError(`${run.taskPath} is not there`, "put it back, or train the trees again");
  }
  const task = taskFromDescription(asked);
  const files = readdirSync(run.boostersPath).sort();
  if (files.length !== task.outputs.length) {
    throw new UserError(
      `${run.boostersPath} has ${files.length} boosters, and there are ${task.outputs.length} answers`,
      "train the trees again",
    );
  }
  const opened = await openTrainedModel(backbone);
  const boosters = files.map((file) => {
    const path = join(run.boostersPath, file);
    return library.load(readFileSync(path), path);
  });
  return { ...opened, trees: treesOf(library, task.outputs, boosters), task };
}
