import { UserError } from "../core/errors";
import type { Predictions } from "../evaluate/predictions";
import { readPredictions } from "../evaluate/predictions-file";
import { evaluate, type Summary } from "../evaluate/summary";
import { type ExperimentConfig, experimentSchema, parseConfig } from "./config";
import type { FitResult } from "./monitor";
import type { RunFolder } from "./run-folder";

/** What a finished run says: what was done, how the training went, and how well the model does. */
export interface RunResult extends FitResult {
  /** The config that the run was made by. */
  readonly config: ExperimentConfig;
  /** What the model says of each test galaxy. */
  readonly predictions: Predictions;
  /** Metrics on the test split. */
  readonly metrics: Summary;
  /** Numbers that the model has learned. */
  readonly parameters: number;
}

/** How the training of a finished run went, from its folder. @throws UserError naming a damaged file */
export function readTraining(run: RunFolder): FitResult {
  const { bestEpoch, seconds, stoppedEarly } = run.readTraining();
  return { history: run.readHistory(), bestEpoch, seconds, stoppedEarly };
}

/**
 * What a finished run says, from its folder alone: nothing is loaded or computed but the metrics.
 *
 * @throws UserError when it is not finished, has no test split, or a file is damaged
 */
export async function readRun(run: RunFolder): Promise<RunResult> {
  if (run.status !== "complete") {
    throw new UserError(`${run.path} holds no finished run`, "train and evaluate it first");
  }
  const { rows, parameters } = run.readTraining();
  if (rows === 0) refuseUntested(run);
  const predictions = await readPredictions(run.predictionsPath);
  return {
    ...readTraining(run),
    config: parseConfig(experimentSchema, run.readConfig(), run.configPath),
    parameters,
    predictions,
    metrics: evaluate(predictions),
  };
}

/** Say that a run without a test split cannot be evaluated. */
export function refuseUntested(run: RunFolder): never {
  throw new UserError(
    `${run.path} has no test split, so there is nothing to evaluate it on`,
    "give data.split a third share above 0",
  );
}
