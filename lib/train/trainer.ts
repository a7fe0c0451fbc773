import * as tf from "@tensorflow/tfjs-core";
import { augment } from "../data/augment";
import { mixBatch } from "../data/augment-mix";
import type { HostBatch } from "../data/loader";
import type { Column } from "../data/table";
import { type Compiled, compile } from "../engine/compile";
import { clipByGlobalNorm, createOptimiser, type Optimiser } from "../engine/optimisers";
import { Random } from "../engine/random";
import { UserError } from "../errors";
import { freeze, learningRateScales } from "../models/freeze";
import type { Model, Parameter } from "../models/module";
import { SafetensorsFile, writeSafetensors } from "../models/safetensors";
import { saveStateDict } from "../models/state-dict";
import type { TrainConfig } from "./config";
import { normalise, unitRange } from "./images";
import { classificationLoss, classWeights } from "./loss";
import { type PredictFunction, predictFunction } from "./predict";

/** A stretch of epochs with the same parts of the model frozen. */
export interface Stage {
  readonly epochs: number;
  readonly freeze: "backbone" | "none" | number;
  readonly learningRate: number;
}

/** The stages of a config; without any, the one that trains everything. */
export function stagesOf(config: TrainConfig): readonly Stage[] {
  const { learningRate } = config.optimiser;
  return (config.stages ?? [{ epochs: config.epochs, freeze: "none" as const }]).map((stage) => ({
    learningRate,
    ...stage,
  }));
}

/** What a trainer must know of the run around it. */
interface Surroundings {
  readonly labels: Column;
  readonly rows: ArrayLike<number>;
  /** Step of the run at which this stage begins, and how many it has. */
  readonly firstStep: number;
  readonly steps: number;
}

type Functions = {
  train: (...inputs: tf.Tensor[]) => tf.Tensor[];
  predict: PredictFunction;
  swap: () => tf.Tensor;
};

/** One stage of training: a compiled step over a model, its optimiser and its moving average. */
export class Trainer {
  readonly firstStep: number;
  readonly steps: number;
  readonly call: Compiled<Functions>["call"];
  private readonly trained: readonly (Parameter & { readonly name: string })[];
  private readonly optimiser: Optimiser;
  /** What the moving average covers: the trained weights and the running statistics. */
  private readonly averaged: readonly (Parameter & { readonly name: string })[];
  private readonly average: readonly tf.Variable[];
  private readonly compiled: Compiled<Functions>;
  private averageIn = false;

  constructor(
    private readonly model: Model,
    private readonly config: TrainConfig,
    readonly stage: Stage,
    { labels, rows, firstStep, steps }: Surroundings,
  ) {
    this.firstStep = firstStep;
    this.steps = steps;
    freeze(model, stage.freeze);
    const scales = learningRateScales(model, config.optimiser.layerDecay);
    const all = [...model.parameters].map(([name, parameter]) => ({ name, ...parameter }));
    this.trained = all.filter(({ trainable }) => trainable);
    this.averaged = config.ema === 0 ? [] : all.filter((p) => p.trainable || p.buffer);
    this.optimiser = createOptimiser(
      config.optimiser,
      this.trained.map(({ name, variable, decay }) => ({
        variable,
        decay,
        rateScale: scales.get(name) ?? 1,
      })),
    );
    this.average = this.averaged.map(({ variable }) => tf.tidy(() => tf.variable(variable, false)));
    const counts = new Array<number>(model.classes).fill(0);
    for (let i = 0; i < rows.length; i++) counts[Number(labels[rows[i]])]++;
    this.compiled = compile<Functions>(
      {
        train: this.trainFunction(classWeights(config.loss.classWeights, counts)),
        predict: predictFunction(model, config.testTimeAugmentation),
        swap: () => this.swap(),
      },
      {
        variables: [
          ...[...model.parameters.values()].map(({ variable }) => variable),
          ...this.optimiser.variables,
          ...this.average,
        ],
        precision: config.precision,
      },
    );
    this.call = this.compiled.call;
  }

  /** images 0…255, labels, seed int32 [2], learning rate, update number from 1 → loss, correct, norms */
  private trainFunction(weights: Float32Array | undefined): Functions["train"] {
    const { config, model, trained, optimiser } = this;
    return (pixels, labels, seed, rate, update) =>
      tf.tidy(() => {
        const hard = tf.oneHot(labels as tf.Tensor1D, model.classes) as tf.Tensor2D;
        const augmented = augment(unitRange(pixels), seed, config.augmentation);
        const soft = tf.cast(hard, "float32");
        const other = tf.add(seed, tf.scalar(1, "int32"));
        const [images, targets] = mixBatch(augmented, soft, other, config.augmentation);
        const x = normalise(images, model.preprocessing);
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
        const norms = tf.stack(gradients.map((g) => tf.sum(tf.square(g))));
        const clipped = clipByGlobalNorm(gradients, norms, config.optimiser.clipNorm);
        optimiser.update(clipped, rate as tf.Scalar, update as tf.Scalar);
        this.moveAverage();
        if (logits === undefined) throw new Error("the loss was not computed");
        const hits = tf.equal(tf.argMax(logits, 1), tf.cast(labels, "int32"));
        const correct = tf.sum(tf.cast(hits, "float32"));
        logits.dispose();
        return [value, correct, norms];
      });
  }

  private moveAverage(): void {
    const { ema } = this.config;
    for (const [i, average] of this.average.entries()) {
      const { variable } = this.averaged[i];
      average.assign(tf.add(tf.mul(average, ema), tf.mul(variable, 1 - ema)));
    }
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
    const inputs = [
      tf.tensor4d(Float32Array.from(images), [labels.length, height, width, 3]),
      tf.tensor1d(labels, "int32"),
      tf.tensor1d([random.uint32() | 0, random.uint32() | 0], "int32"),
      tf.scalar(rate),
      tf.scalar(step - this.firstStep + 1),
    ];
    const outputs = this.call.train(...inputs);
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
      "lower the learning rate, set optimiser.clipNorm, or train in float32; the checkpoint before is kept",
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

  /** Write the model's weights under timm's names. */
  readonly saveModel = (path: string): void => {
    this.compiled.pull();
    saveStateDict(this.model, path, {
      model: this.model.name,
      classes: String(this.model.classes),
    });
  };

  /** Write what an uninterrupted run would have besides: the optimiser's state, the average. */
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
    const state = this.optimiser.variables.map((v, i): [string, tf.Variable] => [`state.${i}`, v]);
    return [
      ...state,
      ...this.average.map((v, i): [string, tf.Variable] => [`average.${this.averaged[i].name}`, v]),
    ];
  }

  /** Free the graph and the state; the model keeps its last weights. */
  dispose(): void {
    this.compiled.pull();
    this.compiled.dispose();
    tf.dispose([...this.optimiser.variables, ...this.average]);
  }
}
