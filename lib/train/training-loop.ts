import { Random } from "../core/random";
import type { Dataset } from "../data/dataset";
import { batchCount, batches, cached } from "../data/loader";
import { epochOrder } from "../data/sampling";
import { loadWeights } from "../models/model-file";
import { paddedBatch, passOver } from "../predict/answers";
import { historyColumn } from "../tasks/task";
import {
  type HistoryRow,
  initialState,
  openCheckpoint,
  saveCheckpoint,
  type TrainingState,
} from "./checkpoint";
import type { TrainConfig } from "./config";
import type { FitInputs, FitOptions } from "./fit";
import { trainingParts } from "./learn-from";
import { type FitResult, fitResult, Judge } from "./monitor";
import { historyColumns, type RunFolder } from "./run-folder";
import { learningRateFactor } from "./schedule";
import { type Stage, stagesOf } from "./stages";
import { type EpochRecord, RunLog, trackersOf } from "./tracker";
import { Trainer } from "./trainer";

/** Epoch after epoch: steps, evaluation, checkpoints; see `fit`. */
export class TrainingLoop {
  private readonly state: TrainingState;
  private trainer: Trainer | undefined;
  private readonly batchesPerEpoch: number;
  private readonly stages: readonly Stage[];
  private readonly judge: Judge;
  private readonly data: Dataset;
  private savedAt = performance.now();
  /** The last step's learning rate. */
  private rate = 0;

  /** Takes up the folder's checkpoint, where there is one. */
  constructor(
    private readonly inputs: FitInputs,
    private readonly config: TrainConfig,
    private readonly folder: RunFolder,
    private readonly options: FitOptions,
  ) {
    const { dataset, train, val } = inputs;
    const { imagesPerEpoch = train.length } = config;
    this.batchesPerEpoch = batchCount(imagesPerEpoch, config.batchSize, true);
    this.stages = stagesOf(config, this.batchesPerEpoch);
    this.judge = new Judge(inputs.task, config, val !== undefined);
    this.data = cached(dataset, train.length + (val?.length ?? 0));
    this.state =
      openCheckpoint(folder.latestPath)?.training ??
      initialState(trainingParts(inputs.model, config.batchSize));
  }

  /** Train until nothing is left to do; the model then has the best weights. */
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
    const { seed, batchSize, sampling, imagesPerEpoch } = this.config;
    const { train, task, dataset } = this.inputs;
    const random = new Random(seed, `epoch ${this.state.epoch}`);
    const order = epochOrder(task.strata(dataset).of, train, sampling, random, imagesPerEpoch);
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
    const history = historyColumns(state.history);
    folder.writeHistory(history);
    this.saveLatest();
    this.options.onEpoch?.(row, history);
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
    const { signal } = this.options;
    const { values } = await trainer.withAverage(() =>
      passOver(this.data, val, trainer.call.predict, { batchSize, signal }),
    );
    return { table: task.table(this.data, val, values), rows: val };
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
    const { model, task, dataset, train: rows, val } = this.inputs;
    const { batchesPerEpoch } = this;
    const stage = this.stages.findLast(({ firstEpoch }) => firstEpoch <= epoch) ?? this.stages[0];
    if (this.trainer?.stage === stage) return this.trainer;
    const checkpoint = this.trainer === undefined && openCheckpoint(this.folder.latestPath);
    if (checkpoint) loadWeights(model, checkpoint.files.model);
    this.trainer?.dispose();
    const validationBatch = val === undefined ? 0 : paddedBatch(val.length, this.config.batchSize);
    const { parts } = this.state;
    const context = { model, task, dataset, rows, batchesPerEpoch, validationBatch, parts };
    this.trainer = new Trainer(context, this.config, stage);
    // A checkpoint from inside the stage has its optimizer's state; one from its start has the last one's.
    if (checkpoint && this.state.step > stage.firstStep) {
      this.trainer.loadState(checkpoint.files.optimizer);
    }
    return this.trainer;
  }
}
