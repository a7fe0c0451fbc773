import * as tf from "@tensorflow/tfjs-core";
import { throwIfInterrupted } from "../core/kernel-host";
import type { Table } from "../core/table";
import { valuesOf } from "../engine/values-of";
import { type Augmentation, augment } from "./augment";
import { mixBatch } from "./augment-mix";
import type { Dataset } from "./dataset";
import { labelsOf } from "./labels";

/**
 * Color and brightness of each image: means of its red, green and blue values, `brightness` (the mean
 * of the three), `contrast` (standard deviation of the pixels' brightness), all 0–255, and `color`
 * (red over blue, in magnitudes: 2.5 log₁₀, larger is redder).
 *
 * @param rows Default: all.
 * @returns One row an image, with its `id` and the name of its `class`, empty where it is not known.
 */
export async function imageStatistics(dataset: Dataset, rows?: ArrayLike<number>): Promise<Table> {
  const chosen = rowsOf(dataset, rows);
  const names = ["red", "green", "blue", "brightness", "contrast", "color"] as const;
  const columns = names.map(() => new Float64Array(chosen.length));
  let i = 0;
  for await (const image of images(dataset, chosen)) {
    const sums = [0, 0, 0];
    let squares = 0;
    for (let at = 0; at < image.length; at += 3) {
      for (let c = 0; c < 3; c++) sums[c] += image[at + c];
      squares += ((image[at] + image[at + 1] + image[at + 2]) / 3) ** 2;
    }
    const pixels = image.length / 3;
    const means = sums.map((sum) => sum / pixels);
    const brightness = (means[0] + means[1] + means[2]) / 3;
    const contrast = Math.sqrt(Math.max(0, squares / pixels - brightness ** 2));
    const color = 2.5 * Math.log10(means[0] / means[2]);
    for (const [c, value] of [...means, brightness, contrast, color].entries()) {
      columns[c][i] = value;
    }
    i++;
  }
  const { id } = dataset.table;
  const labels = labelsOf(dataset, chosen);
  return {
    id: chosen.map((row) => String(id[row])),
    class: Array.from(labels, (label) => dataset.classNames[label] ?? ""),
    ...Object.fromEntries(names.map((name, c) => [name, columns[c]])),
  };
}

/**
 * The mean image of each class, in the order of `classNames`; black where a class has none. Images
 * without a label are passed over.
 *
 * @returns uint8 RGB `[classes, height, width, 3]`
 */
export async function meanImages(dataset: Dataset, rows?: ArrayLike<number>): Promise<Uint8Array> {
  const chosen = rowsOf(dataset, rows);
  const bytes = dataset.imageSize[0] * dataset.imageSize[1] * 3;
  const sums = new Float64Array(dataset.classNames.length * bytes);
  const counts = new Array<number>(dataset.classNames.length).fill(0);
  const labels = labelsOf(dataset, chosen);
  let i = 0;
  for await (const image of images(dataset, chosen)) {
    const label = labels[i++];
    if (label < 0) continue;
    counts[label]++;
    for (let b = 0; b < bytes; b++) sums[label * bytes + b] += image[b];
  }
  return Uint8Array.from(sums, (sum, at) =>
    Math.round(sum / (counts[Math.floor(at / bytes)] || 1)),
  );
}

/**
 * Images as training would change them, for a person to look at.
 *
 * @param pixels uint8 RGB `[n, height, width, 3]`
 * @returns The same shape and type.
 */
export function augmentImages(
  pixels: Uint8Array,
  [height, width]: readonly [height: number, width: number],
  augmentation: Augmentation,
  seed = 0,
): Uint8Array {
  const values = valuesOf(() => {
    const n = pixels.length / (height * width * 3);
    const images = tf.div(tf.tensor4d(Float32Array.from(pixels), [n, height, width, 3]), 255);
    const changed = augment(images as tf.Tensor4D, tf.tensor1d([seed, 0], "int32"), augmentation);
    const targets = tf.ones([n, 1]) as tf.Tensor2D;
    const [mixed] = mixBatch(changed, targets, tf.tensor1d([seed, 1], "int32"), augmentation);
    return tf.round(tf.mul(mixed, 255));
  });
  return Uint8Array.from(values);
}

function rowsOf(dataset: Dataset, rows?: ArrayLike<number>): number[] {
  return rows ? Array.from(rows) : Array.from({ length: dataset.size }, (_, row) => row);
}

/** One image after another, read 64 at a time. */
async function* images(dataset: Dataset, rows: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = dataset.imageSize[0] * dataset.imageSize[1] * 3;
  for (let from = 0; from < rows.length; from += 64) {
    const some = rows.slice(from, from + 64);
    const pixels = await dataset.read(some);
    throwIfInterrupted();
    for (let i = 0; i < some.length; i++) yield pixels.subarray(i * bytes, (i + 1) * bytes);
  }
}
