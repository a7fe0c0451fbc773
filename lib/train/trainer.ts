import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { Random } from "../core/random";
import type { Column } from "../core/table";
import { augment } from "../data/augment";
import { mixBatch } from "../data/augment-mix";
import type { HostBatch } from "../data/loader";
import { type Compiled, compile } from "../engine/compile";
import { unitRange, upload } from "../engine/ops/pixels";
import {
  clipByGlobalNorm,
  createOptimizer,
  moveAverages,
  type Optimizer,
  squaredNorms,
} from "../engine/optimizers";
import { SafetensorsFile, writeSafetensors } from "../io/safetensors";
import type { Learned } from "../models/description";
import { freeze, learningRateScales } from "../models/freeze";
import { saveModel } from "../models/model-file";
import type { Model, Parameter } from "../models/module";
import { type PredictFunction, predictFunction } from "../predict/predict";
import { normalize } from "../predict/preprocess";
import { classificationLoss, lossWeights } from "../tasks/classification-loss";
import type { TrainConfig } from "./config";

/** A stretch of epochs with the same parts of the model frozen. */
export interface Stage {
  readonly epochs: number;
  readonly freeze: "backbone" | "none" | number;
  readonly learningRate: number;
}

/** The stages of a config; without any, the one that trains everything. */
export function stagesOf(config: TrainConfig): readonly Stage[] {
  const { learningRate } = config.optimizer;
  return (config.stages ?? [{ epochs: config.epochs, freeze: "none" as const }]).map((stage) => ({
    learningRate,
    ...stage,
  }));
}

/** What a trainer must know of the run around it. */
interface Surroundings {
  readonly labels: Column;
  readonly rows: ArrayLike<number>;
  /** What a saved model says of its task and its pictures. */
  readonly learned: Learned;
  /** Step of the run at which this stage begins, and how many it has. */
  readonly firstStep: number;
  readonly steps: number;
}

type Functions = {
  train: (...inputs: tf.Tensor[]) => tf.Tensor[];
  /** As `train`, but the gradients are only added up. */
  gather: (...inputs: tf.Tensor[]) => tf.Tensor[];
  predict: PredictFunction;
  swap: () => tf.Tensor;
};

/** One stage of training: a compiled step over a model, its optimizer and its moving average. */
export class Trainer {
  readonly firstStep: number;
  readonly steps: number;
  readonly call: Compiled<Functions>["call"];
  private readonly trained: readonly (Parameter & { readonly name: string })[];
  private readonly optimizer: Optimizer;
  /** What the moving average covers: the trained weights and the running statistics. */
  private readonly averaged: readonly (Parameter & { readonly name: string })[];
  private readonly average: readonly tf.Variable[];
  /** Sums of gradients, where several batches make one update. */
  private readonly sums: readonly tf.Variable[];
  private readonly compiled: Compiled<Functions>;
  private averageIn = false;

  constructor(
    private readonly model: Model,
    private readonly config: TrainConfig,
    readonly stage: Stage,
    private readonly surroundings: Surroundings,
  ) {
    const { labels, rows, firstStep, steps } = surroundings;
    this.firstStep = firstStep;
    this.steps = steps;
    freeze(model, stage.freeze);
    const scales = learningRateScales(model, config.optimizer.layerDecay);
    const all = [...model.parameters].map(([name, parameter]) => ({ name, ...parameter }));
    this.trained = all.filter(({ trainable }) => trainable);
    this.averaged = config.ema === 0 ? [] : all.filter((p) => p.trainable || p.buffer);
    this.optimizer = createOptimizer(
      config.optimizer,
      this.trained.map(({ name, variable, decay }) => ({
        variable,
        decay,
        rateScale: scales.get(name) ?? 1,
      })),
    );
    this.average = this.averaged.map(({ variable }) => tf.tidy(() => tf.variable(variable, false)));
    this.sums =
      config.optimizer.accumulate === 1
        ? []
        : this.trained.map(({ variable: { shape } }) =>
            tf.tidy(() => tf.variable(tf.zeros(shape), false)),
          );
    const weights = lossWeights(config.loss.classWeights, labels, rows, model.numClasses);
    this.compiled = compile<Functions>(
      {
        train: this.trainFunction(weights, true),
        gather: this.trainFunction(weights, false),
        predict: predictFunction(model),
        swap: () => this.swap(),
      },
      {
        variables: [
          ...[...model.parameters.values()].map(({ variable }) => variable),
          ...this.optimizer.variables,
          ...this.average,
          ...this.sums,
        ],
        precision: config.precision,
      },
    );
    this.call = this.compiled.call;
  }

  /** images as uploaded, labels, seed int32 [2], learning rate, update number from 1 → loss, correct, norms */
  private trainFunction(weights: Float32Array | undefined, update: boolean): Functions["train"] {
    const { config, model, trained } = this;
    return (pixels, labels, seed, rate, count) =>
      tf.tidy(() => {
        const hard = tf.oneHot(labels as tf.Tensor1D, model.numClasses) as tf.Tensor2D;
        const augmented = augment(unitRange(pixels), seed, config.augmentation);
        const soft = tf.cast(hard, "float32");
        const other = tf.add(seed, tf.scalar(1, "int32"));
        const [images, targets] = mixBatch(augmented, soft, other, config.augmentation);
        const x = normalize(images, model.preprocessing);
        let logits: tf.Tensor2D | undefined;
        const { value, grads } = tf.variableGrads(
          () => {
            const out = model.forward(x, { training: true, seed });
            logits = tf.keep(out);
            const w = weights === undefined ? undefined : tf.tensor1d(weights);
            return classificationLoss(out, targets, config.loss, w);
          },
          trained.map(({ variable }) => variable),
        );
        const gradients = trained.map(({ variable }) => grads[variable.name]);
        const norms = squaredNorms(gradients);
        if (update) this.update(gradients, norms, rate as tf.Scalar, count as tf.Scalar);
        else for (const [i, sum] of this.sums.entries()) sum.assign(tf.add(sum, gradients[i]));
        if (logits === undefined) throw new Error("the loss was not computed");
        // Where images are mixed, the class that has the larger part of one is the right one.
        const hits = tf.equal(tf.argMax(logits, 1), tf.argMax(targets, 1));
        const correct = tf.sum(tf.cast(hits, "float32"));
        logits.dispose();
        return [value, correct, norms];
      });
  }

  /** Move the weights by this batch's gradients, or by the mean of those that were added up. */
  private update(
    own: readonly tf.Tensor[],
    ownNorms: tf.Tensor,
    rate: tf.Scalar,
    count: tf.Scalar,
  ): void {
    const { clipNorm, accumulate } = this.config.optimizer;
    const gradients = own.map((gradient, i) =>
      accumulate === 1 ? gradient : tf.div(tf.add(this.sums[i], gradient), accumulate),
    );
    const norms = accumulate === 1 ? ownNorms : squaredNorms(gradients);
    this.optimizer.update(clipByGlobalNorm(gradients, norms, clipNorm), rate, count);
    for (const sum of this.sums) sum.assign(tf.zeros(sum.shape));
    const moved = this.averaged.map(({ variable }) => variable);
    moveAverages(this.average, moved, this.config.ema);
  }

  /** The weights and their average change places. */
  private swap(): tf.Tensor {
    return tf.tidy(() => {
      for (const [i, average] of this.average.entries()) {
        const { variable } = this.averaged[i];
        const now = tf.clone(variable);
        variable.assign(tf.clone(average));
        average.assign(now);
      }
      return tf.scalar(0);
    });
  }

  /**
   * One update.
   *
   * @throws UserError when the loss or a gradient is not finite, naming where it began.
   */
  step(batch: HostBatch, rate: number, step: number): { loss: number; correct: number } {
    const { images, labels } = batch;
    const [height, width] = this.model.inputSize;
    const random = new Random(this.config.seed, `step ${step}`);
    const { accumulate } = this.config.optimizer;
    const inputs = [
      upload(images, [labels.length, height, width]),
      tf.tensor1d(labels, "int32"),
      tf.tensor1d([random.uint32() | 0, random.uint32() | 0], "int32"),
      tf.scalar(rate),
      tf.scalar(Math.floor((step - this.firstStep) / accumulate) + 1),
    ];
    const full = (step - this.firstStep + 1) % accumulate === 0;
    const outputs = full ? this.call.train(...inputs) : this.call.gather(...inputs);
    const [[loss], [correct], norms] = outputs.map((output) => output.dataSync());
    tf.dispose([inputs, outputs]);
    this.checkFinite(loss, norms, step);
    return { loss, correct };
  }

  private checkFinite(loss: number, norms: ArrayLike<number>, step: number): void {
    const bad = this.trained.findIndex((_, i) => !Number.isFinite(norms[i]));
    if (Number.isFinite(loss) && bad < 0) return;
    const where =
      bad < 0 ? "" : `; the first gradient that is not finite is that of ${this.trained[bad].name}`;
    throw new UserError(
      `the loss of step ${step + 1} is ${loss}${where}`,
      "lower the learning rate, set optimizer.clipNorm, or train in float32; the checkpoint before is kept",
    );
  }

  /** Do something while the model's weights are their moving average. */
  async withAverage<T>(work: () => Promise<T>): Promise<T> {
    if (this.average.length === 0 || this.averageIn) return work();
    this.call.swap().dispose();
    this.averageIn = true;
    try {
      return await work();
    } finally {
      this.call.swap().dispose();
      this.averageIn = false;
    }
  }

  /** Write the model: weights under timm's names, and what it says of itself. */
  readonly saveModel = (path: string): void => {
    this.compiled.pull();
    saveModel(this.model, path, this.surroundings.learned);
  };

  /** Write what an uninterrupted run would have besides: the optimizer's state, the average. */
  readonly saveState = (path: string): void => {
    this.compiled.pull();
    writeSafetensors(
      path,
      this.state.map(([name, variable]) => ({
        name,
        shape: variable.shape,
        read: () => variable.dataSync<"float32">(),
      })),
    );
  };

  /** @throws UserError when the file is not this trainer's. */
  loadState(path: string): void {
    const file = SafetensorsFile.open(path);
    try {
      for (const [name, variable] of this.state) {
        const shape = file.tensors.get(name)?.shape;
        if (shape === undefined || shape.join() !== variable.shape.join()) {
          throw new UserError(`${path} does not hold ${name} of this run`, "restart the run");
        }
        tf.tidy(() => variable.assign(tf.tensor(file.read(name), variable.shape)));
      }
    } finally {
      file.close();
    }
    this.compiled.push();
  }

  private get state(): [string, tf.Variable][] {
    const state = this.optimizer.variables.map((v, i): [string, tf.Variable] => [`state.${i}`, v]);
    return [
      ...state,
      ...this.average.map((v, i): [string, tf.Variable] => [`average.${this.averaged[i].name}`, v]),
      ...this.sums.map((v, i): [string, tf.Variable] => [`sum.${this.trained[i].name}`, v]),
    ];
  }

  /** Free the graph and the state; the model keeps its last weights. */
  dispose(): void {
    this.compiled.pull();
    this.compiled.dispose();
    tf.dispose([...this.optimizer.variables, ...this.average, ...this.sums]);
  }
}
