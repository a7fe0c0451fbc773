import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { UserError } from "../core/errors";
import { writeFileAtomic } from "../io/atomic";
import { predict } from "../predict/network-predictor";
import type { PredictionTable } from "../tasks/task";
import type { Experiment } from "./experiment";

/**
 * What a finished run's model says of its validation galaxies: by that, ensembles are weighted. It is kept
 * in the run's folder.
 *
 * @param signal Ends it between two batches. Default: nothing does.
 * @throws UserError when the run is not finished, or has no validation split
 */
export async function validationPredictions<Table = PredictionTable>(
  experiment: Experiment,
  signal?: AbortSignal,
): Promise<Table> {
  const { run, config } = experiment;
  if (experiment.state().state !== "finished") {
    throw new UserError(`${run.path} holds no finished run`, "train and evaluate it first");
  }
  const { dataset, task, val } = await experiment.data();
  if (val.length === 0) {
    throw new UserError(`${run.path} has no validation split`, "give data.split a second share");
  }
  const path = run.validationPath;
  if (!existsSync(path)) {
    const model = await experiment.model();
    const table = await predict(model, task, dataset, val, { ...config.predict, signal });
    writeFileAtomic(path, task.formatTable(table));
  }
  return task.parseTable(await readFile(path, "utf8"), path) as Table;
}
