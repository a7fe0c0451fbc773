import { mkdirSync } from "node:fs";
import { UserError } from "../core/errors";
import { Random } from "../core/random";
import type { Dataset } from "../data/dataset";
import { batchCount, batches, cached } from "../data/loader";
import { evaluate } from "../evaluate/summary";
import { loadWeights } from "../models/model-file";
import type { Model } from "../models/module";
import { predictWith } from "../predict/predict";
import { type HistoryRow, openCheckpoint, type Position, saveCheckpoint } from "./checkpoint";
import type { TrainConfig } from "./config";
import { historyColumns, type RunFolder } from "./run-folder";
import { sampleRows } from "./sampling";
import { learningRateShare } from "./schedule";
import { type EpochRecord, RunLog, type Tracker, trackersOf } from "./tracker";
import { stagesOf, Trainer } from "./trainer";

/** Which rows are learned from, and which decide what is best. */
export interface FitRows {
  readonly train: ArrayLike<number>;
  /** Without it the last epoch is the best one; its averaged weights, where `ema` is on. */
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
  /** Means over the epoch so far. */
  readonly loss: number;
  readonly accuracy: number;
  readonly learningRate: number;
}

export interface FitOptions {
  /** Stops the run after the step under way; its checkpoint is written first. */
  readonly signal?: AbortSignal;
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
 * @param run Where {@link RunFolder.begin} was called.
 * @throws UserError when the loss is not a number any more, and whatever the signal was aborted with;
 *   the folder then holds the last good checkpoint.
 */
export async function fit(
  model: Model,
  dataset: Dataset,
  rows: FitRows,
  config: TrainConfig,
  run: RunFolder,
  options: FitOptions = {},
): Promise<FitResult> {
  mkdirSync(run.path, { recursive: true });
  const unlock = run.lock();
  try {
    return await new Fit(model, dataset, rows, config, run, options).run();
  } finally {
    unlock();
  }
}

class Fit {
  private position: Position;
  private trainer: Trainer | undefined;
  private readonly stages;
  private readonly epochs: number;
  private readonly batchesPerEpoch: number;
  private readonly data: Dataset;
  private savedAt = performance.now();
  /** The last step's learning rate. */
  private rate = 0;

  constructor(
    private readonly model: Model,
    dataset: Dataset,
    private readonly rows: FitRows,
    private readonly config: TrainConfig,
    private readonly folder: RunFolder,
    private readonly options: FitOptions,
  ) {
    this.data = cached(dataset, rows.train.length + (rows.val?.length ?? 0));
    this.stages = stagesOf(config);
    this.epochs = this.stages.reduce((sum, { epochs }) => sum + epochs, 0);
    this.batchesPerEpoch = batchCount(rows.train.length, config.batchSize, true);
    if (this.batchesPerEpoch === 0) {
      throw new UserError(
        `the training split has ${rows.train.length} rows and a batch ${config.batchSize}`,
        "lower batchSize, or use more of the data",
      );
    }
    const checkpoint = openCheckpoint(folder.latestPath);
    this.position = checkpoint?.position ?? {
      epoch: 0,
      batch: 0,
      step: 0,
      lossSum: 0,
      correct: 0,
      seen: 0,
      seconds: 0,
      history: [],
    };
  }

  async run(): Promise<FitResult> {
    const log = new RunLog(
      this.options.trackers ?? (await trackersOf(this.config.log, this.folder)),
    );
    try {
      const isWork = () => this.position.epoch < this.epochs && !this.exhausted;
      if (isWork()) await log.begin(this.config);
      while (isWork()) await this.epoch(log);
      this.trainer?.dispose();
      await log.end("finished");
    } catch (error) {
      try {
        this.trainer?.dispose();
      } catch {
        // What went wrong first is what the person must know.
      }
      await log.end(this.options.signal?.aborted ? "interrupted" : "failed");
      throw error;
    }
    const best = openCheckpoint(this.folder.bestPath);
    if (best !== undefined) loadWeights(this.model, best.files.model);
    const { history, seconds } = this.position;
    return {
      history: historyColumns(history),
      bestEpoch: this.position.best?.epoch ?? history.length,
      seconds,
      stoppedEarly: this.position.epoch < this.epochs,
    };
  }

  /** Whether early stopping says that nothing more is to be expected. */
  private get exhausted(): boolean {
    const { patience, metric } = this.config.earlyStopping;
    if (patience === 0) return false;
    const values = this.position.history.flatMap((row) => (metric in row ? [row[metric]] : []));
    const better = metric === "valLoss" ? Math.min : Math.max;
    const bestAt = values.indexOf(better(...values));
    return values.length - 1 - bestAt >= patience;
  }

  private async epoch(log: RunLog): Promise<void> {
    const trainer = this.trainerOf(this.position.epoch);
    const { seed, batchSize } = this.config;
    const { epoch } = this.position;
    const order = sampleRows(this.rows.train, this.data.table.label, this.config.sampling, {
      random: new Random(seed, `epoch ${epoch}`),
    });
    const start = this.position.batch;
    let from = performance.now();
    const spend = () => {
      const now = performance.now();
      this.position.seconds += (now - from) / 1000;
      from = now;
    };
    for await (const batch of batches(this.data, order, { batchSize, dropLast: true, start })) {
      const rate = this.learningRate(trainer);
      this.rate = rate;
      const { loss, correct } = trainer.step(batch, rate, this.position.step);
      const p = this.position;
      p.lossSum += loss * batch.rows.length;
      p.correct += correct;
      p.seen += batch.rows.length;
      p.batch++;
      p.step++;
      spend();
      this.report(rate);
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
    await this.finishEpoch(trainer, log);
    spend();
  }

  /** The rate of this step: the schedule's share of the stage's peak. */
  private learningRate({ stage, firstStep, steps }: Trainer): number {
    const { schedule } = this.config;
    const step = this.position.step - firstStep;
    return stage.learningRate * learningRateShare(schedule, step, steps, this.batchesPerEpoch);
  }

  private report(learningRate: number): void {
    const { epoch, batch, lossSum, correct, seen } = this.position;
    const perEpoch = this.batchesPerEpoch * this.config.batchSize;
    this.options.onStep?.({
      epoch: epoch + 1,
      epochs: this.epochs,
      done: epoch * perEpoch + batch * this.config.batchSize,
      total: this.epochs * perEpoch,
      loss: lossSum / seen,
      accuracy: correct / seen,
      learningRate,
    });
  }

  private async finishEpoch(trainer: Trainer, log: RunLog): Promise<void> {
    const p = this.position;
    const row: HistoryRow = {
      epoch: p.epoch + 1,
      trainLoss: p.lossSum / p.seen,
      trainAccuracy: p.correct / p.seen,
    };
    const last = p.epoch + 1 === this.epochs;
    const { val } = this.rows;
    const evaluated =
      val !== undefined && (last || (p.epoch + 1) % this.config.evaluateEvery === 0);
    let validation: EpochRecord["validation"];
    if (evaluated) {
      const predictions = await trainer.withAverage(() =>
        predictWith(trainer, this.model, this.data, val, {
          batchSize: this.config.batchSize,
          signal: this.options.signal,
        }),
      );
      const { accuracy, logLoss, macroF1 } = evaluate(predictions);
      Object.assign(row, { valLoss: logLoss, valAccuracy: accuracy, valMacroF1: macroF1 });
      validation = { predictions, rows: val };
    }
    p.history.push(row);
    await log.epoch({
      epoch: row.epoch,
      values: row,
      learningRate: this.rate,
      validation,
      dataset: this.data,
    });
    Object.assign(p, { epoch: p.epoch + 1, batch: 0, lossSum: 0, correct: 0, seen: 0 });
    const value = row[this.config.selectBy];
    const isBetter =
      p.best === undefined ||
      (this.config.selectBy === "valLoss" ? value < p.best.value : value > p.best.value);
    // Without a validation split the newest is the best: the averaged weights are written either way.
    if (val === undefined) p.best = { epoch: row.epoch, value: row.trainLoss };
    else if (evaluated && isBetter) p.best = { epoch: row.epoch, value };
    if (p.best?.epoch === row.epoch) {
      await trainer.withAverage(async () => {
        saveCheckpoint(this.folder.bestPath, p, { model: trainer.saveModel });
      });
    }
    this.saveLatest();
    this.folder.writeHistory(p.history);
    this.options.onEpoch?.(row, historyColumns(p.history));
  }

  private saveLatest(): void {
    const { trainer } = this;
    if (trainer === undefined) return;
    saveCheckpoint(this.folder.latestPath, this.position, {
      model: trainer.saveModel,
      optimizer: trainer.saveState,
    });
    this.savedAt = performance.now();
  }

  /** The trainer of the stage that an epoch belongs to, with the weights as they are now. */
  private trainerOf(epoch: number): Trainer {
    let first = 0;
    const stage = this.stages.find(({ epochs }) => {
      if (epoch < first + epochs) return true;
      first += epochs;
      return false;
    });
    if (stage === undefined) throw new Error(`no stage has the epoch ${epoch}`);
    if (this.trainer?.stage === stage) return this.trainer;
    const checkpoint = this.trainer === undefined && openCheckpoint(this.folder.latestPath);
    if (checkpoint) loadWeights(this.model, checkpoint.files.model);
    this.trainer?.dispose();
    this.trainer = new Trainer(this.model, this.config, stage, {
      labels: this.data.table.label,
      rows: this.rows.train,
      learned: {
        task: {
          task: "classification",
          loss: this.config.loss.name,
          outputs: this.data.classNames,
        },
        view: { sourceSize: this.data.sourceSize, ...this.data.view },
      },
      firstStep: first * this.batchesPerEpoch,
      steps: stage.epochs * this.batchesPerEpoch,
    });
    // A checkpoint from inside the stage has its optimizer's state; one from its start has the last one's.
    if (checkpoint && this.position.step > this.trainer.firstStep) {
      this.trainer.loadState(checkpoint.files.optimizer);
    }
    return this.trainer;
  }
}
