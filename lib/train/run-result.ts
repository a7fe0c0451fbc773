import { UserError } from "../core/errors";
import type { Predictions } from "../evaluate/predictions";
import type { Summary } from "../evaluate/summary";
import { readModelDescription } from "../models/model-file";
import { taskFromDescription } from "../tasks/registry";
import type { PredictionTable, Task } from "../tasks/task";
import { openCheckpoint } from "./checkpoint";
import { type ExperimentConfig, experimentSchema, parseConfig } from "./config";
import type { FitResult } from "./monitor";
import type { RunFolder } from "./run-folder";

/**
 * What a finished run says: what was done, how the training went, and how well the model does. Its types
 * are those of a classification; of votes they are `RunResult<VotePredictions, VoteMetrics>`.
 */
export interface RunResult<Table = Predictions, Values = Summary> extends FitResult {
  /** The config that the run was made by. */
  readonly config: ExperimentConfig;
  /** What the model says of each test galaxy. */
  readonly predictions: Table;
  /** Metrics on the test split. */
  readonly metrics: Values;
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
export async function readRun<Table = Predictions, Values = Summary>(
  run: RunFolder,
): Promise<RunResult<Table, Values>> {
  if (run.status !== "complete") {
    throw new UserError(`${run.path} holds no finished run`, "train and evaluate it first");
  }
  const { rows, parameters } = run.readTraining();
  if (rows === 0) refuseUntested(run);
  const { task, predictions } = await readAnswers(run);
  return {
    ...readTraining(run),
    config: parseConfig(experimentSchema, run.readConfig(), run.configPath),
    parameters,
    predictions: predictions as Table,
    metrics: task.metrics(predictions) as Values,
  };
}

/** What a run was asked, and what it says of each test galaxy. */
export interface RunAnswers {
  /** As the run's model says. */
  readonly task: Task;
  /** As {@link RunAnswers.task} makes it. */
  readonly predictions: PredictionTable;
}

/** The task and the predictions of a run, from its folder. @throws UserError naming what is not there */
export async function readAnswers(run: RunFolder): Promise<RunAnswers> {
  const best = openCheckpoint(run.bestPath);
  const text = run.readPredictions();
  const description = run.readTask() ?? (best && readModelDescription(best.files.model)?.task);
  if (description === undefined) {
    throw new UserError(
      `${run.path} has neither task.json nor a checkpoint that says what the run was asked`,
      "put one back, or train again",
    );
  }
  const task = taskFromDescription(description);
  return { task, predictions: task.parseTable(text, run.predictionsPath) };
}

/** Say that a run without a test split cannot be evaluated. */
export function refuseUntested(run: RunFolder): never {
  throw new UserError(
    `${run.path} has no test split, so there is nothing to evaluate it on`,
    "give data.split a third share above 0",
  );
}
