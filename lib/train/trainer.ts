import * as tf from "@tensorflow/tfjs-core";
import { Random } from "../core/random";
import type { Dataset } from "../data/dataset";
import type { HostBatch } from "../data/loader";
import { type Compiled, compile } from "../engine/compile";
import { firstNotFinite } from "../engine/finite";
import { upload } from "../engine/ops/pixels";
import {
  clipByGlobalNorm,
  createOptimizer,
  type Optimizer,
  squaredNorms,
} from "../engine/optimizers";
import { inParts } from "../engine/parts";
import { freeze, learningRateScales } from "../models/freeze";
import { saveModel } from "../models/model-file";
import type { Model } from "../models/module";
import type { Parameter } from "../models/parameters";
import { answerFunction, type ImageFunction } from "../predict/answers";
import type { Loss, Task } from "../tasks/task";
import type { TrainConfig } from "./config";
import { checkFinite, diverged, whereNotFinite } from "./diverged";
import { learnFrom } from "./learn-from";
import { MovingAverage } from "./moving-average";
import { type Stage, updateOf } from "./stages";
import { traceAhead } from "./trace-ahead";
import { loadVariables, saveVariables } from "./variables-file";

/** What is trained, and on what. */
export interface TrainerContext {
  readonly model: Model;
  readonly task: Task;
  readonly dataset: Dataset;
  /** Rows of the training split. */
  readonly rows: ArrayLike<number>;
  /** Batches of an epoch. */
  readonly batchesPerEpoch: number;
  /** Images of a batch of the validation split; 0: there is none. */
  readonly validationBatch: number;
  /** In how many parts a batch is computed side by side. */
  readonly parts: number;
}

/** What is compiled of a trainer. */
export type Functions = {
  train: (...inputs: tf.Tensor[]) => tf.Tensor[];
  /** As `train`, but the gradients are only added up. */
  accumulate: (...inputs: tf.Tensor[]) => tf.Tensor[];
  predict: ImageFunction;
  swap: () => tf.Tensor;
};

/** One stage of training: a compiled step over a model, its optimizer and its moving average. */
export class Trainer {
  private readonly model: Model;
  readonly call: Compiled<Functions>["call"];
  private readonly trained: readonly (Parameter & { readonly name: string })[];
  private readonly optimizer: Optimizer;
  private readonly average: MovingAverage;
  /** Sums of gradients, where several batches make one update. */
  private readonly sums: readonly tf.Variable[];
  private readonly compiled: Compiled<Functions>;
  private isTraced = false;
  /** A step without the update, not compiled. */
  private readonly gradients: Functions["accumulate"];

  constructor(
    private readonly context: TrainerContext,
    private readonly config: TrainConfig,
    readonly stage: Stage,
  ) {
    const { model, task, dataset, rows, parts } = context;
    this.model = model;
    freeze(model, stage.freeze);
    const scales = learningRateScales(model, config.optimizer.layerDecay);
    const all = [...model.parameters].map(([name, parameter]) => ({ name, ...parameter }));
    this.trained = all.filter(({ trainable }) => trainable);
    const averaged = config.ema === 0 ? [] : all.filter((p) => p.trainable || p.buffer);
    this.average = new MovingAverage(averaged, config.ema);
    this.optimizer = createOptimizer(
      config.optimizer,
      this.trained.map(({ name, variable, decay }) => ({
        variable,
        decay,
        learningRateFactor: scales.get(name) ?? 1,
      })),
    );
    this.sums =
      config.optimizer.gradientAccumulation === 1
        ? []
        : this.trained.map(({ variable: { shape } }) =>
            tf.tidy(() => tf.variable(tf.zeros(shape), false)),
          );
    const loss = task.createLoss({ dataset, rows });
    this.gradients = this.trainFunction(loss, false);
    const answers = answerFunction(model, task);
    this.compiled = compile<Functions>(
      {
        train: this.trainFunction(loss, true),
        accumulate: this.gradients,
        predict: (images) => inParts(images, parts, answers),
        swap: () => this.average.swap(),
      },
      {
        variables: [
          ...[...model.parameters.values()].map(({ variable }) => variable),
          ...this.optimizer.variables,
          ...this.average.variables,
          ...this.sums,
        ],
        precision: config.precision,
        parts,
      },
    );
    this.call = this.compiled.call;
  }

  /**
   * images as uploaded, targets, seed int32 [2], learning rate, update number from 1, batches of this
   * update → loss, sum of the score, squared norms of the gradients
   */
  private trainFunction(loss: Loss, update: boolean): Functions["train"] {
    const { config, model, trained } = this;
    const { parts, task } = this.context;
    return (pixels, given, seed, rate, count, batches) =>
      tf.tidy(() => {
        const { value, score, gradients } = learnFrom(pixels, given as tf.Tensor2D, seed, {
          ...{ model, trained, task, loss, parts },
          augmentation: config.augmentation,
        });
        const norms = squaredNorms(gradients);
        if (!update)
          for (const [i, sum] of this.sums.entries()) sum.assign(tf.add(sum, gradients[i]));
        else this.update(gradients, norms, rate as tf.Scalar, count as tf.Scalar, batches);
        return [value, score, norms];
      });
  }

  /** Move the weights by this batch's gradients, or by the mean of those that were added up. */
  private update(
    own: readonly tf.Tensor[],
    ownNorms: tf.Tensor,
    rate: tf.Scalar,
    count: tf.Scalar,
    batches: tf.Tensor,
  ): void {
    const { sums } = this;
    const { clipNorm } = this.config.optimizer;
    const gradients =
      sums.length === 0 ? own : own.map((g, i) => tf.div(tf.add(sums[i], g), batches));
    const norms = sums.length === 0 ? ownNorms : squaredNorms(gradients);
    this.optimizer.update(clipByGlobalNorm(gradients, norms, clipNorm), rate, count);
    for (const sum of sums) sum.assign(tf.zeros(sum.shape));
    this.average.move();
  }

  /**
   * Learn from one batch. The weights move when as many batches were seen as the config says, and with
   * the rest of them at the end of an epoch.
   *
   * @param rate Learning rate.
   * @param step Number of the batch in the run, from 0.
   * @returns loss, and the sum of the task's training score
   * @throws UserError when the loss or a gradient is not finite, naming where it began.
   */
  step(batch: HostBatch, rate: number, step: number): { loss: number; score: number } {
    const { task, dataset, batchesPerEpoch } = this.context;
    const [height, width] = this.model.inputSize;
    const random = new Random(this.config.seed, `step ${step}`);
    const { gradientAccumulation } = this.config.optimizer;
    const update = updateOf(step - this.stage.firstStep, batchesPerEpoch, gradientAccumulation);
    const targets = task.targets(dataset, batch.rows);
    const inputs = [
      upload(batch.images, [batch.rows.length, height, width]),
      tf.tensor2d(targets, [batch.rows.length, task.targetWidth]),
      tf.tensor1d([random.uint32() | 0, random.uint32() | 0], "int32"),
      tf.scalar(rate),
      tf.scalar(update.number),
      tf.scalar(update.batches),
    ];
    if (!this.isTraced) {
      const uses = { sums: this.sums.length > 0, average: this.average.variables.length > 0 };
      traceAhead(this.compiled.trace, inputs, this.context, uses);
      this.isTraced = true;
    }
    const weights = process.env.TUNING_FORK_FIND_NAN ? this.copyWeights() : undefined;
    const outputs = update.isFull ? this.call.train(...inputs) : this.call.accumulate(...inputs);
    const [[loss], [score], norms] = outputs.map((output) => output.dataSync());
    try {
      const again = () => this.gradients(...inputs);
      const find = weights && (() => whereNotFinite(this.model, weights, again));
      checkFinite(this.trained, loss, norms, step, find);
    } finally {
      tf.dispose([inputs, outputs, weights ?? []]);
    }
    return { loss, score };
  }

  /** The model's weights before a step, while a run is looked into. */
  private copyWeights(): tf.Tensor[] {
    this.compiled.pull();
    return [...this.model.parameters.values()].map(({ variable }) =>
      tf.tidy(() => tf.clone(variable)),
    );
  }

  /** Do something while the model's weights are their moving average. */
  withAverage<T>(work: () => Promise<T>): Promise<T> {
    return this.average.swapped(() => this.call.swap().dispose(), work);
  }

  /**
   * Write the model: weights under timm's names, and what it says of itself.
   *
   * @throws UserError when a weight is not finite
   */
  readonly saveModel = (path: string): void => {
    this.compiled.pull();
    const weights = [...this.model.parameters].map(([name, p]) => [name, p.variable] as const);
    const bad = firstNotFinite(weights);
    if (bad !== undefined) throw diverged(`after the last step ${bad} is not finite`);
    const { task, dataset } = this.context;
    const view = { sourceSize: dataset.sourceSize, ...dataset.view };
    saveModel(this.model, path, { task: task.description, view });
  };

  /** Write what an uninterrupted run would have besides: the optimizer's state, the average. */
  readonly saveState = (path: string): void => {
    this.compiled.pull();
    saveVariables(path, this.state);
  };

  /** @throws UserError when the file is not this trainer's. */
  loadState(path: string): void {
    loadVariables(path, this.state);
  }

  private get state(): [string, tf.Variable][] {
    const state = this.optimizer.variables.map((v, i): [string, tf.Variable] => [`state.${i}`, v]);
    return [
      ...state,
      ...this.average.named(),
      ...this.sums.map((v, i): [string, tf.Variable] => [`sum.${this.trained[i].name}`, v]),
    ];
  }

  /** Free the graph and the state; the model keeps its last weights. */
  dispose(): void {
    this.compiled.pull();
    this.compiled.dispose();
    tf.dispose([...this.optimizer.variables, ...this.average.variables, ...this.sums]);
  }
}
