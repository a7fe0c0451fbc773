import { UserError } from "../core/errors";
import { readModelDescription, saveModel } from "../models/model-file";
import type { Model } from "../models/module";
import type { Predictor } from "../predict/predictor";
import type { Metrics, PredictionTable, Task } from "../tasks/task";
import { openCheckpoint, saveCheckpoint } from "./checkpoint";
import type { SplitDataset } from "./experiment-data";
import type { RunFolder } from "./run-folder";

/** What the validation galaxies of a run say of how sure its answers may be. */
export interface RunCalibration {
  /** What the answers are calibrated by. None: they stay as learned. */
  readonly by?: readonly number[];
  /** Validation galaxies that it was fitted on. */
  readonly rows: number;
  /** Why nothing was fitted, where it was tried. */
  readonly problem?: string;
  /** Answers about the validation galaxies, calibrated where that could be. None where it was not tried. */
  readonly validation?: PredictionTable;
}

/**
 * Fit the calibration of a run's best model on its validation galaxies, and keep it with the model: whoever
 * opens the model has calibrated answers.
 *
 * @param run Its best checkpoint is written anew where the calibration in it is another one.
 * @param model With the weights of that checkpoint.
 * @param predictor Asks that model, for this and for everything that is calibrated by it. None: nothing is
 *   fitted, and a calibration that the model has is taken from it.
 */
export async function calibrate(
  run: RunFolder,
  model: Model,
  { task, dataset, val }: Pick<SplitDataset, "task" | "dataset" | "val">,
  predictor?: Predictor,
): Promise<RunCalibration> {
  const found = await fitted();
  const { by: calibration } = found;
  const best = openCheckpoint(run.bestPath);
  if (best === undefined) return found;
  const kept = readModelDescription(best.files.model)?.task?.calibration;
  if (JSON.stringify(kept) !== JSON.stringify(calibration)) {
    const description = { ...task.description, ...(calibration && { calibration }) };
    const view = { sourceSize: dataset.sourceSize, ...dataset.view };
    saveCheckpoint(run.bestPath, best.training, {
      model: (path) => saveModel(model, path, { task: description, view }),
    });
  }
  return found;

  async function fitted(): Promise<RunCalibration> {
    const { calibration } = task;
    if (predictor === undefined || calibration === undefined || val.length === 0)
      return { rows: 0 };
    const learned = await predictor.predict(dataset, val);
    try {
      const by = calibration.fit(learned);
      return { by, rows: val.length, validation: calibration.apply(learned, by) };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { rows: val.length, problem: error.problem, validation: learned };
    }
  }
}

/** Answers about test galaxies, calibrated, and what can be said of them. */
export interface CalibratedTest {
  /** The answers. */
  readonly table: PredictionTable;
  /** Those of the task; where something was fitted, `calibration` with the metrics before, and promises. */
  readonly metrics: Metrics;
}

/**
 * @param learned Answers about the test galaxies, as learned.
 */
export function calibratedTest(
  { calibration, metrics }: Task,
  learned: PredictionTable,
  { by, rows, problem, validation }: RunCalibration,
): CalibratedTest {
  const before = metrics(learned);
  if (calibration === undefined || by === undefined || validation === undefined) {
    const tried = problem === undefined ? {} : { calibration: { rows, problem } };
    return { table: learned, metrics: { ...before, ...tried } };
  }
  const table = calibration.apply(learned, by);
  const after = metrics(table, before);
  const changed = Object.entries(before).filter(
    ([name, value]) =>
      !Array.isArray(value) && JSON.stringify(value) !== JSON.stringify(after[name]),
  );
  return {
    table,
    metrics: {
      ...after,
      ...calibration.promises?.(validation, table),
      calibration: { by, rows, before: Object.fromEntries(changed) },
    },
  };
}
