import { rmSync } from "node:fs";
import { writeFileAtomic } from "../io/atomic";
import type { Model } from "../models/module";
import { networkPredictor } from "../predict/network-predictor";
import type { Metrics } from "../tasks/task";
import { calibrate, calibratedTest } from "./calibrate";
import type { ExperimentConfig } from "./config";
import type { SplitDataset } from "./experiment-data";
import type { RunFolder } from "./run-folder";

/** How a run is evaluated. */
export interface EvaluateOptions {
  /** Stops between two batches. Default: in a notebook, an interrupt of the cell. */
  readonly signal?: AbortSignal;
  /** Galaxies predicted, and in all. Default: nobody is told. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Ask a run's best model about its test galaxies, calibrated on those of validation, and write the answers.
 *
 * @param model With the weights of the best checkpoint.
 * @returns galaxies that were tested, and what the task says of the answers
 */
export async function evaluateRun(
  run: RunFolder,
  model: Model,
  data: SplitDataset,
  config: ExperimentConfig,
  options: EvaluateOptions,
): Promise<Metrics & { readonly rows: number }> {
  const { task, dataset, test } = data;
  const { predict } = config;
  // One predictor for both splits: it is compiled once.
  const predictor = networkPredictor(model, task, { ...predict, ...options });
  try {
    const learned = test.length === 0 ? undefined : await predictor.predict(dataset, test);
    const calibration = await calibrate(
      run,
      model,
      data,
      predict.calibrate ? predictor : undefined,
    );
    if (learned === undefined) return { rows: 0 };
    const { table, metrics } = calibratedTest(task, learned, calibration);
    // Without its metrics the run is unfinished, until the other files are there.
    rmSync(run.metricsPath, { force: true });
    run.writeConfig(config);
    writeFileAtomic(run.predictionsPath, task.formatTable(table));
    const { validation } = calibration;
    if (validation === undefined) rmSync(run.validationPath, { force: true });
    else writeFileAtomic(run.validationPath, task.formatTable(validation));
    return { rows: test.length, ...metrics };
  } finally {
    predictor.dispose();
  }
}
