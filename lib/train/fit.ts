import { mkdirSync } from "node:fs";
import { UserError } from "../core/errors";
import { Random } from "../core/random";
import type { Dataset } from "../data/dataset";
import { batchCount, batches, cached } from "../data/loader";
import { epochOrder } from "../data/sampling";
import { checkFreeze } from "../models/freeze";
import { loadWeights } from "../models/model-file";
import type { Model } from "../models/module";
import { predictWith } from "../predict/predict";
import { historyColumn, type Task } from "../tasks/task";
import {
  type HistoryRow,
  initialState,
  openCheckpoint,
  saveCheckpoint,
  type TrainingState,
} from "./checkpoint";
import type { TrainConfig } from "./config";
import { Judge } from "./monitor";
import { historyColumns, type RunFolder } from "./run-folder";
import { learningRateFactor } from "./schedule";
import { type Stage, stagesOf } from "./stages";
import { type EpochRecord, RunLog, type Tracker, trackersOf } from "./tracker";
import { Trainer } from "./trainer";

/** What learns what, and from which galaxies. */
export interface FitInputs {
  readonly model: Model;
  /** What the network is asked; its `numLogits` are the model's. */
  readonly task: Task;
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
  readonly epochs: number;
  /** Images of the whole run done, and to do. */
  readonly done: number;
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

/** How a run ended. */
export interface FitResult {
  /** One value an epoch; NaN where an epoch has none. */
  readonly history: Readonly<Record<string, number[]>>;
  readonly bestEpoch: number;
  /** Seconds spent in training steps and evaluation, over all sittings. */
  readonly seconds: number;
  readonly stoppedEarly: boolean;
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
  mkdirSync(run.path, { recursive: true });
  return new Fit(inputs, config, run, options).run();
}

/** How a training ended; undefined while it has something left to do. */
export function fitResult(
  { epoch, history, seconds }: TrainingState,
  judge: Judge,
  config: TrainConfig,
): FitResult | undefined {
  const stoppedEarly = epoch < config.epochs;
  if (stoppedEarly && !judge.isExhausted(history)) return undefined;
  const bestEpoch = judge.bestEpoch(history) ?? history.length;
  return { history: historyColumns(history), bestEpoch, seconds, stoppedEarly };
}

/** @throws UserError when the parts of a training do not fit each other; nothing is written before */
export function checkFit(inputs: FitInputs, config: TrainConfig): void {
  checkInputs(inputs, config, batchCount(inputs.train.length, config.batchSize, true));
  new Judge(inputs.task, config, inputs.val !== undefined);
}

class Fit {
  private readonly state: TrainingState;
  private trainer: Trainer | undefined;
  private readonly batchesPerEpoch: number;
  private readonly stages: readonly Stage[];
  private readonly judge: Judge;
  private readonly data: Dataset;
  private savedAt = performance.now();
  /** The last step's learning rate. */
  private rate = 0;

  constructor(
    private readonly inputs: FitInputs,
    private readonly config: TrainConfig,
    private readonly folder: RunFolder,
    private readonly options: FitOptions,
  ) {
    const { dataset, train, val } = inputs;
    this.batchesPerEpoch = batchCount(train.length, config.batchSize, true);
    this.stages = stagesOf(config, this.batchesPerEpoch);
    this.judge = new Judge(inputs.task, config, val !== undefined);
    checkInputs(inputs, config, this.batchesPerEpoch);
    this.data = cached(dataset, train.length + (val?.length ?? 0));
    this.state = openCheckpoint(folder.latestPath)?.training ?? initialState();
  }

  async run(): Promise<FitResult> {
    const log = new RunLog(
      this.options.trackers ?? (await trackersOf(this.config.log, this.folder)),
    );
    try {
      let result = fitResult(this.state, this.judge, this.config);
      if (result === undefined) await log.begin(this.config);
      for (; result === undefined; result = fitResult(this.state, this.judge, this.config)) {
        await this.epoch(log);
      }
      this.trainer?.dispose();
      await log.end("finished");
      const best = openCheckpoint(this.folder.bestPath);
      if (best !== undefined) loadWeights(this.inputs.model, best.files.model);
      return result;
    } catch (error) {
      try {
        this.trainer?.dispose();
      } catch {
        // What went wrong first is what the person must know.
      }
      await log.end(this.options.signal?.aborted ? "interrupted" : "failed");
      throw error;
    }
  }

  private async epoch(log: RunLog): Promise<void> {
    const trainer = this.trainerOf(this.state.epoch);
    const { seed, batchSize, sampling } = this.config;
    const { train, task, dataset } = this.inputs;
    const random = new Random(seed, `epoch ${this.state.epoch}`);
    const order = epochOrder(task.strata(dataset).of, train, sampling, random);
    const start = this.state.batch;
    let from = performance.now();
    const spend = () => {
      const now = performance.now();
      this.state.seconds += (now - from) / 1000;
      from = now;
    };
    for await (const batch of batches(this.data, order, { batchSize, dropLast: true, start })) {
      const { state } = this;
      this.rate = this.learningRate(trainer.stage);
      const { loss, score } = trainer.step(batch, this.rate, state.step);
      state.lossSum += loss * batch.rows.length;
      state.scoreSum += score;
      state.seen += batch.rows.length;
      state.batch++;
      state.step++;
      spend();
      this.report();
      // The event loop's turn: an interrupt, a progress bar, the next batch's files.
      await new Promise(setImmediate);
      if (this.options.signal?.aborted) {
        this.saveLatest();
        this.options.signal.throwIfAborted();
      }
      if (performance.now() - this.savedAt > this.config.checkpointSeconds * 1000) {
        this.saveLatest();
      }
    }
    await this.finishEpoch(trainer, log, spend);
  }

  /** The rate of this step: the schedule's part of the stage's peak. */
  private learningRate({ learningRate, firstStep, steps }: Stage): number {
    const step = this.state.step - firstStep;
    const { schedule } = this.config;
    return learningRate * learningRateFactor(schedule, step, steps, this.batchesPerEpoch);
  }

  private report(): void {
    const { epoch, batch, lossSum, scoreSum, seen } = this.state;
    const { batchSize, epochs } = this.config;
    const perEpoch = this.batchesPerEpoch * batchSize;
    this.options.onStep?.({
      epoch: epoch + 1,
      epochs,
      done: epoch * perEpoch + batch * batchSize,
      total: epochs * perEpoch,
      means: { loss: lossSum / seen, [this.inputs.task.trainingScore.name]: scoreSum / seen },
      learningRate: this.rate,
    });
  }

  private async finishEpoch(trainer: Trainer, log: RunLog, spend: () => void): Promise<void> {
    const { state, folder } = this;
    const { task } = this.inputs;
    const row: HistoryRow = {
      epoch: state.epoch + 1,
      [historyColumn("train", "loss")]: state.lossSum / state.seen,
      [historyColumn("train", task.trainingScore.name)]: state.scoreSum / state.seen,
    };
    const validation = await this.validate(trainer);
    if (validation !== undefined) {
      for (const [name, value] of Object.entries(task.monitored(validation.table))) {
        row[historyColumn("val", name)] = value;
      }
    }
    state.history.push(row);
    await log.epoch({
      epoch: row.epoch,
      values: row,
      learningRate: this.rate,
      validation,
      task,
      dataset: this.data,
    });
    spend();
    Object.assign(state, { epoch: row.epoch, batch: 0, lossSum: 0, scoreSum: 0, seen: 0 });
    // Where nothing was evaluated yet, the newest is the best.
    if ((this.judge.bestEpoch(state.history) ?? row.epoch) === row.epoch) {
      await trainer.withAverage(async () => {
        saveCheckpoint(folder.bestPath, state, { model: trainer.saveModel });
      });
    }
    // The history first: were the process killed in between, this epoch would be done and written again.
    folder.writeHistory(state.history);
    this.saveLatest();
    this.options.onEpoch?.(row, historyColumns(state.history));
  }

  /** The averaged weights' answers on the validation split, where this epoch is evaluated. */
  private async validate(trainer: Trainer): Promise<EpochRecord["validation"]> {
    const { task, val } = this.inputs;
    const { epochs, validationInterval, batchSize } = this.config;
    const epoch = this.state.epoch + 1;
    if (val === undefined || (epoch !== epochs && epoch % validationInterval !== 0))
      return undefined;
    // An interrupt while evaluating loses no step: the run then goes on with the evaluation.
    this.saveLatest();
    const answers = await trainer.withAverage(() =>
      predictWith(trainer, task, this.data, val, { batchSize, signal: this.options.signal }),
    );
    return { table: task.table(this.data, val, answers), rows: val };
  }

  private saveLatest(): void {
    const { trainer } = this;
    if (trainer === undefined) return;
    saveCheckpoint(this.folder.latestPath, this.state, {
      model: trainer.saveModel,
      optimizer: trainer.saveState,
    });
    this.savedAt = performance.now();
  }

  /** The trainer of the stage that an epoch belongs to, with the weights as they are now. */
  private trainerOf(epoch: number): Trainer {
    const { model, task, dataset, train: rows } = this.inputs;
    const { batchesPerEpoch } = this;
    const stage = this.stages.findLast(({ firstEpoch }) => firstEpoch <= epoch) ?? this.stages[0];
    if (this.trainer?.stage === stage) return this.trainer;
    const checkpoint = this.trainer === undefined && openCheckpoint(this.folder.latestPath);
    if (checkpoint) loadWeights(model, checkpoint.files.model);
    this.trainer?.dispose();
    const context = { model, task, dataset, rows, batchesPerEpoch };
    this.trainer = new Trainer(context, this.config, stage);
    // A checkpoint from inside the stage has its optimizer's state; one from its start has the last one's.
    if (checkpoint && this.state.step > stage.firstStep) {
      this.trainer.loadState(checkpoint.files.optimizer);
    }
    return this.trainer;
  }
}

/** @throws UserError when the parts of a training do not fit each other */
function checkInputs(
  { model, task, train, val }: FitInputs,
  { batchSize, optimizer, stages = [] }: TrainConfig,
  batchesPerEpoch: number,
): void {
  const { numLogits, outputs } = task;
  if (model.numClasses !== numLogits) {
    throw new UserError(
      `${model.name} has ${model.numClasses} outputs, and the task ${numLogits}: ${outputs.join(", ")}`,
      `create it with ${numLogits} classes`,
    );
  }
  if (batchesPerEpoch === 0) {
    throw new UserError(
      `the training split has ${train.length} rows and a batch ${batchSize}`,
      "lower batchSize, or use more of the data",
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
}
