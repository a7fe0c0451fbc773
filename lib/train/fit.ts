import { UserError } from "../core/errors";
import type { Dataset } from "../data/dataset";
import { batchCount } from "../data/loader";
import { makeFolder } from "../io/atomic";
import { checkFreeze } from "../models/freeze";
import type { Model } from "../models/module";
import type { Task } from "../tasks/task";
import type { HistoryRow } from "./checkpoint";
import type { TrainConfig } from "./config";
import { checkMixing } from "./learn-from";
import { type FitResult, Judge } from "./monitor";
import type { RunFolder } from "./run-folder";
import type { Tracker } from "./tracker";
import { TrainingLoop } from "./training-loop";

/** What learns what, and from which galaxies. */
export interface FitInputs {
  /** It learns in place. */
  readonly model: Model;
  /** What the network is asked; its `numLogits` are the model's. */
  readonly task: Task;
  /** The galaxies. */
  readonly dataset: Dataset;
  /** Rows that are learned from. */
  readonly train: ArrayLike<number>;
  /**
   * Rows that decide which epoch is best. Default: none; the last epoch is then the best one, its
   * averaged weights where `ema` is on.
   */
  readonly val?: ArrayLike<number>;
}

/** What a step reports. */
export interface StepReport {
  /** 1 … epochs. */
  readonly epoch: number;
  /** How many the run has at most. */
  readonly epochs: number;
  /** Images done since the run began. */
  readonly done: number;
  /** Images of the whole run. */
  readonly total: number;
  /** Means over the epoch so far, by name: `loss` and the task's training score. */
  readonly means: Readonly<Record<string, number>>;
  /** Of this step. */
  readonly learningRate: number;
}

/** Who watches a training, and what stops it. */
export interface FitOptions {
  /** Stops the run after the step under way; its checkpoint is written first. */
  readonly signal?: AbortSignal;
  /** After each step. */
  readonly onStep?: (report: StepReport) => void;
  /** After each epoch: its row, and the history so far by columns. */
  readonly onEpoch?: (row: HistoryRow, history: Readonly<Record<string, number[]>>) => void;
  /** In the place of those that the config asks for. */
  readonly trackers?: readonly Tracker[];
}

/**
 * Train a model in a run's folder, from its last checkpoint where there is one.
 *
 * Everything random is a function of the seed and of the epoch or step, so a run that was
 * interrupted goes on to the same losses as one that was not. Afterwards the model has the weights of
 * the best epoch: their moving average where the config's `ema` is on.
 *
 * @param run The run's folder, locked by the caller.
 * @throws UserError when the loss is not a number any more, and whatever the signal was aborted with;
 *   the folder then holds the last good checkpoint.
 */
export async function fit(
  inputs: FitInputs,
  config: TrainConfig,
  run: RunFolder,
  options: FitOptions = {},
): Promise<FitResult> {
  makeFolder(run.path);
  checkFit(inputs, config);
  return new TrainingLoop(inputs, config, run, options).run();
}

/** @throws UserError when the parts of a training do not fit each other; nothing is written before */
export function checkFit(inputs: FitInputs, config: TrainConfig): void {
  checkInputs(inputs, config);
  new Judge(inputs.task, config, inputs.val !== undefined);
}

/** @throws UserError when the parts of a training do not fit each other */
function checkInputs(
  { model, task, train, val }: FitInputs,
  { augmentation, batchSize, imagesPerEpoch = train.length, optimizer, stages = [] }: TrainConfig,
): void {
  const { numLogits, outputs } = task;
  if (model.numClasses !== numLogits) {
    throw new UserError(
      `${model.name} has ${model.numClasses} outputs, and the task ${numLogits}: ${outputs.join(", ")}`,
      `create it with ${numLogits} classes`,
    );
  }
  const batchesPerEpoch = batchCount(imagesPerEpoch, batchSize, true);
  if (train.length === 0 || batchesPerEpoch === 0) {
    throw new UserError(
      `an epoch of the ${train.length} training rows has ${imagesPerEpoch} images, and a batch ${batchSize}`,
      "lower batchSize, raise imagesPerEpoch, or use more of the data",
    );
  }
  if (val?.length === 0) {
    throw new UserError("the validation split has no rows", "leave it out, or give it some");
  }
  if (optimizer.gradientAccumulation > batchesPerEpoch) {
    throw new UserError(
      `gradientAccumulation is ${optimizer.gradientAccumulation}, and an epoch has ${batchesPerEpoch} batches`,
      `set train.optimizer.gradientAccumulation to ${batchesPerEpoch} at most, or lower batchSize`,
    );
  }
  for (const { freeze } of stages) checkFreeze(model, freeze);
  checkMixing(task, augmentation);
}
