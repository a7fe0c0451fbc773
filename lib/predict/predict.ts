import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../data/dataset";
import { batches } from "../data/loader";
import type { Compiled } from "../engine/compile";
import { compile } from "../engine/compile";
import { unitRange, upload } from "../engine/ops/pixels";
import type { Precision } from "../engine/start";
import type { Predictions } from "../evaluate/predictions";
import type { Model } from "../models/module";
import { createTask } from "../tasks/registry";
import type { Task } from "../tasks/task";
import { normalize } from "./preprocess";

/** How predictions are made. */
export interface PredictOptions {
  readonly batchSize?: number;
  readonly precision?: Precision;
  /** Average over the eight flips and quarter turns of each galaxy. */
  readonly testTimeAugmentation?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** The compiled function that {@link predictWith} calls: images [batch, h, w, 3], 0…255 → probabilities. */
export type PredictFunction = (images: tf.Tensor) => tf.Tensor;

/**
 * images float32 `[batch, height, width, 3]`, 0…255, or as {@link upload} gives them → probabilities
 * `[batch, classes]`, to be compiled.
 *
 * With `testTimeAugmentation` the probabilities are the mean over the eight symmetries of the square,
 * which a galaxy's class does not depend on.
 */
export function predictFunction(
  model: Model,
  activate: Task["activate"],
  testTimeAugmentation = false,
): PredictFunction {
  const once = (images: tf.Tensor4D) =>
    activate(model.forward(normalize(images, model.preprocessing), { training: false }));
  return (images) =>
    tf.tidy(() => {
      const x = unitRange(images);
      if (!testTimeAugmentation) return once(x);
      const transposed = tf.transpose(x, [0, 2, 1, 3]);
      const views = [x, transposed].flatMap((view) => [
        view,
        tf.reverse(view, 1),
        tf.reverse(view, 2),
        tf.reverse(view, [1, 2]),
      ]);
      return tf.div(tf.addN(views.map(once)), views.length);
    });
}

/**
 * The probabilities of each class for some rows of a data set.
 *
 * @param rows Default: all.
 */
export async function predict(
  model: Model,
  dataset: Dataset,
  rows?: ArrayLike<number>,
  options: PredictOptions = {},
): Promise<Predictions> {
  const { precision, testTimeAugmentation } = options;
  const task = createTask(dataset);
  const wanted = rows ?? everyRow(dataset);
  const compiled = compile(
    { predict: predictFunction(model, task.activate, testTimeAugmentation) },
    { variables: [...model.parameters.values()].map(({ variable }) => variable), precision },
  );
  try {
    const probabilities = await predictWith(compiled, task, dataset, wanted, options);
    return task.table(dataset, wanted, probabilities) as Predictions;
  } finally {
    compiled.dispose();
  }
}

/**
 * The answers of a function that is compiled already.
 *
 * @returns float64 `[rows, outputs]`, row-major
 */
export async function predictWith(
  compiled: Pick<Compiled<{ predict: PredictFunction }>, "call">,
  task: Task,
  dataset: Dataset,
  rows: ArrayLike<number>,
  options: PredictOptions = {},
): Promise<Float64Array> {
  const { batchSize = 64, signal, onProgress } = options;
  const [height, width] = dataset.imageSize;
  const outputs = task.outputs.length;
  const answers = new Float64Array(rows.length * outputs);
  // A last batch that is not full is padded: another shape would be traced anew.
  const pixels = new Uint8Array(Math.min(batchSize, rows.length) * height * width * 3);
  const full = pixels.length / (height * width * 3);
  let done = 0;
  for await (const batch of batches(dataset, rows, { batchSize: full })) {
    signal?.throwIfAborted();
    pixels.set(batch.images);
    const images = upload(pixels, [full, height, width]);
    const result = compiled.call.predict(images);
    const values = result.dataSync();
    tf.dispose([images, result]);
    answers.set(values.subarray(0, batch.rows.length * outputs), done * outputs);
    done += batch.rows.length;
    onProgress?.(done, rows.length);
    // Lets an interrupt, a progress bar and the reading of the next batch have their turn.
    await new Promise(setImmediate);
  }
  return answers;
}

function everyRow(dataset: Dataset): Uint32Array {
  return Uint32Array.from({ length: dataset.size }, (_, row) => row);
}
