import * as tf from "@tensorflow/tfjs-core";
import { d4Symmetries } from "../core/d4";
import { UserError } from "../core/errors";
import { throwIfInterrupted } from "../core/kernel-host";
import { d4Symmetry } from "../data/augment-warp";
import type { Dataset } from "../data/dataset";
import { batches } from "../data/loader";
import { unitRange, upload } from "../engine/ops/pixels";
import { withoutAutocast } from "../engine/trace";
import type { Context, Model } from "../models/module";
import type { Task } from "../tasks/task";
import { normalize } from "./preprocess";

/** A function of a network to be compiled: images as {@link upload} gives them → `[batch, width]`. */
export type ImageFunction = (images: tf.Tensor) => tf.Tensor;

/** As {@link ImageFunction}; the seed, int32 `[2]`, decides what is dropped. */
export type SampleFunction = (images: tf.Tensor, seed: tf.Tensor) => tf.Tensor;

/** How often a network looks at each image. */
export interface AnswerOptions {
  /**
   * Mean over the eight symmetries of the square, on which no answer about a galaxy depends; without it
   * each image is seen once. A network whose answers are the same for all eight is asked once in any case.
   * Default false.
   */
  readonly testTimeAugmentation?: boolean;
}

/** How often a network answers with other values dropped each time. */
export interface DropoutOptions {
  /**
   * Mean over as many passes with other values dropped each time: Monte Carlo dropout (Gal & Ghahramani
   * 2016, arXiv:1506.02142). Default 0: nothing is dropped.
   */
  readonly dropoutSamples?: number;
  /** Of what is dropped; other seeds give other samples. Default 0. */
  readonly dropoutSeed?: number;
}

/** Images → the task's answers `[batch, outputs]`, to be compiled. */
export function answerFunction(
  model: Model,
  task: Pick<Task, "activate">,
  options: AnswerOptions = {},
): ImageFunction {
  return meanOverViews(model, task, options, () => ({ training: false }));
}

/**
 * As {@link answerFunction}, of one pass in which values are dropped, to be compiled; the mean of many is
 * what {@link meanOfSamples} gives.
 */
export function sampleFunction(
  model: Model,
  task: Pick<Task, "activate">,
  options: AnswerOptions = {},
): SampleFunction {
  return (images, seed) =>
    meanOverViews(model, task, options, (view) => ({
      training: false,
      dropping: true,
      seed: tf.add(seed, tf.tensor1d([0, LAYERS * view], "int32")),
    }))(images);
}

/** Each layer adds its number to the seed: so far are two passes apart. */
const LAYERS = 1000;

/**
 * Images → the mean answers over many passes, one after another: the graph is that of one pass, however
 * many there are.
 *
 * @param sample A compiled {@link SampleFunction}.
 */
export function meanOfSamples(
  sample: SampleFunction,
  { dropoutSamples = 1, dropoutSeed = 0 }: DropoutOptions,
): ImageFunction {
  const pass = (images: tf.Tensor, s: number) =>
    tf.tidy(() => {
      const first = LAYERS * d4Symmetries.length * s;
      return sample(images, tf.tensor1d([dropoutSeed, first], "int32"));
    });
  return (images) => {
    let sum = pass(images, 0);
    for (let s = 1; s < dropoutSamples; s++) {
      const [before, own] = [sum, pass(images, s)];
      sum = tf.add(before, own);
      tf.dispose([before, own]);
    }
    const mean = tf.div(sum, dropoutSamples);
    sum.dispose();
    return mean;
  };
}

function meanOverViews(
  model: Model,
  { activate }: Pick<Task, "activate">,
  { testTimeAugmentation = false }: AnswerOptions,
  contextOf: (view: number) => Context,
): ImageFunction {
  return (images) =>
    tf.tidy(() => {
      const x = unitRange(images);
      const views =
        testTimeAugmentation && !model.isInvariant
          ? d4Symmetries.map((symmetry) => d4Symmetry(x, symmetry))
          : [x];
      const answers = views.map((view, v) => {
        const logits = model.forward(normalize(view, model.preprocessing), contextOf(v));
        // With bfloat16's 8 bits of mantissa probabilities would not sum to one.
        return withoutAutocast(() => activate(logits));
      });
      return answers.length === 1 ? answers[0] : tf.div(tf.addN(answers), answers.length);
    });
}

/** Images → pooled features `[batch, features]`, what the last layer sees; to be compiled. */
export function featureFunction(model: Model): ImageFunction {
  const context = { training: false, pooledOnly: true };
  return (images) =>
    tf.tidy(() => {
      const x = normalize(unitRange(images), model.preprocessing);
      return model.forwardHead(model.forwardFeatures(x, context), context, { preLogits: true });
    });
}

/** Images that are computed together where nothing else is said. */
const BATCH = 64;

/** How rows are gone through. */
export interface PassOptions {
  /** Images computed together. Default 64. */
  readonly batchSize?: number;
  /** Ends the pass before the next batch; its reason is thrown. Default: in a notebook, an interrupt of the cell. */
  readonly signal?: AbortSignal;
  /** Told after each batch how many rows are done, and of how many. Default: nobody is told. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Options of passes one after another, of which each tells how far all of them are.
 *
 * @param rows How many rows each pass goes over.
 */
export function inAll(rows: readonly number[], options: PassOptions): PassOptions[] {
  const total = rows.reduce((sum, count) => sum + count, 0);
  let before = 0;
  return rows.map((count) => {
    const start = before;
    before += count;
    return { ...options, onProgress: (done) => options.onProgress?.(start + done, total) };
  });
}

/**
 * What a compiled function gives for some rows of a data set.
 *
 * @param rows Row numbers.
 * @param call The compiled {@link ImageFunction}.
 * @returns float64 `[rows, width]`, row-major, and the width
 * @throws UserError naming the galaxy of which a value is not finite
 */
export async function passOver(
  dataset: Dataset,
  rows: ArrayLike<number>,
  call: (images: tf.Tensor) => tf.Tensor,
  { batchSize = BATCH, signal, onProgress }: PassOptions = {},
): Promise<{ readonly values: Float64Array; readonly width: number }> {
  const [height, width] = dataset.imageSize;
  let values = new Float64Array();
  let outputs = 0;
  let done = 0;
  const full = paddedBatch(rows.length, batchSize);
  const pixels = new Uint8Array(full * height * width * 3);
  throwIfInterrupted(signal);
  for await (const batch of batches(dataset, rows, { batchSize: full })) {
    throwIfInterrupted(signal);
    pixels.set(batch.images);
    const images = upload(pixels, [full, height, width]);
    let result: tf.Tensor | undefined;
    let own: Float32Array;
    try {
      result = call(images);
      outputs = result.shape[1] ?? 1;
      own = result.dataSync<"float32">().subarray(0, batch.rows.length * outputs) as Float32Array;
    } finally {
      tf.dispose([images, result ?? []]);
    }
    const bad = own.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw notFinite(dataset, batch.rows[Math.floor(bad / outputs)], own[bad]);
    if (values.length === 0) values = new Float64Array(rows.length * outputs);
    values.set(own, done * outputs);
    done += batch.rows.length;
    onProgress?.(done, rows.length);
    // Lets an interrupt, a progress bar and the reading of the next batch have their turn.
    await new Promise<void>((next) => setTimeout(next, 0));
  }
  return { values, width: outputs };
}

/**
 * How many images {@link passOver} computes together. A batch that is not full is padded: another shape
 * would be traced anew. So few shapes are made, however many rows are asked about.
 */
export function paddedBatch(rows: number, batchSize = BATCH): number {
  return Math.min(batchSize, 2 ** Math.ceil(Math.log2(Math.max(rows, 1))));
}

function notFinite(dataset: Dataset, row: number, value: number): UserError {
  return new UserError(
    `the network answers ${value} about ${dataset.table.id[row]} (row ${row + 1} of ${dataset.name})`,
    "its weights are not finite, or overflow in this precision: try float32, or an earlier checkpoint",
  );
}
