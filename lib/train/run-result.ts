import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { UserError } from "../core/errors";
import type { Predictions } from "../evaluate/predictions";
import { readPredictions } from "../evaluate/predictions-file";
import type { Summary } from "../evaluate/summary";
import type { TaskDescription } from "../models/description";
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
  const text = await readFile(run.predictionsPath, "utf8");
  const description =
    best === undefined
      ? (taskOf(run) ?? (await classesOf(run)))
      : readModelDescription(best.files.model)?.task;
  if (description === undefined) {
    throw new UserError(
      `${run.bestPath} has no checkpoint that says what the run was asked`,
      "put it back, or train again",
    );
  }
  const task = taskFromDescription(description);
  return { task, predictions: task.parseTable(text, run.predictionsPath) };
}

/** What a run without a network's file says it was asked. */
function taskOf(run: RunFolder): TaskDescription | undefined {
  if (!existsSync(run.taskPath)) return undefined;
  return JSON.parse(readFileSync(run.taskPath, "utf8")) as TaskDescription;
}

/** A table of classes says by itself what was asked, so that checkpoints can be removed. */
async function classesOf(run: RunFolder): Promise<TaskDescription | undefined> {
  const { task } = parseConfig(experimentSchema, run.readConfig(), run.configPath);
  if ((task ?? "classification") !== "classification") return undefined;
  const { classNames } = await readPredictions(run.predictionsPath);
  return { task: "classification", loss: "crossEntropy", outputs: classNames };
}

/** Say that a run without a test split cannot be evaluated. */
export function refuseUntested(run: RunFolder): never {
  throw new UserError(
    `${run.path} has no test split, so there is nothing to evaluate it on`,
    "give data.split a third share above 0",
  );
}
