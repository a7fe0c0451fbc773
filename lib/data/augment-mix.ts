import * as tf from "@tensorflow/tfjs-core";
import { statelessUniform } from "../engine/ops";

/** How far the images of a batch are mixed; 0 turns a way off. */
export interface Mixing {
  /** α of MixUp's Beta(α, α). */
  readonly mixup: number;
  /** α of CutMix's Beta(α, α). */
  readonly cutmix: number;
}

/**
 * Mix each image and its target with another of the batch: MixUp adds the two, CutMix puts a box of
 * one into the other. Where both are asked for, each image gets one of them by chance.
 *
 * The partner is the image at the mirrored place in the batch, whose order is random already.
 *
 * @param images float32 `[batch, height, width, 3]`
 * @param targets float32 `[batch, classes]`, each row summing to 1
 * @param seed int32 `[2]`
 * @see Zhang et al. 2018 (MixUp); Yun et al. 2019 (CutMix)
 */
export function mixBatch(
  images: tf.Tensor4D,
  targets: tf.Tensor2D,
  seed: tf.Tensor,
  { mixup, cutmix }: Mixing,
): [images: tf.Tensor4D, targets: tf.Tensor2D] {
  if (mixup <= 0 && cutmix <= 0) return [images, targets];
  return tf.tidy(() => {
    const [batch, height, width] = images.shape;
    const draws = tf.unstack(statelessUniform([4, batch], seed)) as tf.Tensor1D[];
    const [chance, level, atX, atY] = draws;
    const keep: tf.Tensor[] = [];
    if (mixup > 0) {
      const lambda = tf.reshape(betaQuantile(level, mixup), [batch, 1, 1, 1]);
      keep.push(tf.tile(lambda, [1, height, width, 1]));
    }
    if (cutmix > 0) {
      const cut = tf.sqrt(tf.sub(1, betaQuantile(level, cutmix)));
      keep.push(tf.sub(1, box(atX, atY, cut, cut, height, width)));
    }
    const first = tf.reshape(tf.cast(tf.less(chance, 0.5), "float32"), [batch, 1, 1, 1]);
    const mask =
      keep.length === 1
        ? keep[0]
        : tf.add(tf.mul(first, keep[0]), tf.mul(tf.sub(1, first), keep[1]));
    const share = tf.reshape(tf.mean(mask, [1, 2, 3]), [batch, 1]);
    return [
      blend(images, tf.reverse(images, 0), mask) as tf.Tensor4D,
      blend(targets, tf.reverse(targets, 0), share) as tf.Tensor2D,
    ];
  });
}

/**
 * A box in each image: 1 inside, 0 outside, cut off at the border.
 *
 * @param atX,atY Center, 0–1 of the image, `[batch]`.
 * @param across,down Width and height, 0–1 of the image, `[batch]`.
 * @returns float32 `[batch, height, width, 1]`
 */
export function box(
  atX: tf.Tensor,
  atY: tf.Tensor,
  across: tf.Tensor,
  down: tf.Tensor,
  height: number,
  width: number,
): tf.Tensor {
  const line = (center: tf.Tensor, extent: tf.Tensor, length: number) => {
    const pixels = tf.reshape(tf.div(tf.add(tf.range(0, length), 0.5), length), [1, length]);
    const off = tf.abs(tf.sub(pixels, tf.reshape(center, [-1, 1])));
    return tf.cast(tf.less(off, tf.reshape(tf.mul(extent, 0.5), [-1, 1])), "float32");
  };
  const columns = tf.reshape(line(atX, across, width), [-1, 1, width, 1]);
  return tf.mul(tf.reshape(line(atY, down, height), [-1, height, 1, 1]), columns);
}

function blend(a: tf.Tensor, b: tf.Tensor, share: tf.Tensor): tf.Tensor {
  return tf.add(tf.mul(a, share), tf.mul(b, tf.sub(1, share)));
}

/** Steps of the table of quantiles. */
const steps = 1024;

/** Values of Beta(α, α) at these levels, 0–1, by a table and straight lines between its entries. */
export function betaQuantile(level: tf.Tensor1D, alpha: number): tf.Tensor1D {
  return tf.tidy(() => {
    const table = tf.tensor1d(betaTable(alpha));
    const place = tf.mul(tf.clipByValue(level, 0, 1), steps);
    const below = tf.minimum(tf.floor(place), steps - 1);
    const index = tf.cast(below, "int32");
    const low = tf.gather(table, index);
    const high = tf.gather(table, tf.add(index, tf.scalar(1, "int32")));
    return tf.add(low, tf.mul(tf.sub(high, low), tf.sub(place, below))) as tf.Tensor1D;
  });
}

/**
 * Quantiles of Beta(α, α) at 0, 1/1024, … 1. With s = x^α the density near 0 is smooth, so its
 * integral over s is summed and read backwards; the other half follows by symmetry.
 */
function betaTable(alpha: number): Float32Array {
  const fine = 20000;
  const end = 0.5 ** alpha;
  const sums = new Float64Array(fine + 1);
  for (let i = 1; i <= fine; i++) {
    const x = (((i - 0.5) / fine) * end) ** (1 / alpha);
    sums[i] = sums[i - 1] + (1 - x) ** (alpha - 1);
  }
  const table = new Float32Array(steps + 1);
  for (let k = 0, i = 1; k <= steps / 2; k++) {
    const wanted = (k / (steps / 2)) * sums[fine];
    while (i < fine && sums[i] < wanted) i++;
    const s = i - 1 + (wanted - sums[i - 1]) / (sums[i] - sums[i - 1]);
    table[k] = ((s / fine) * end) ** (1 / alpha);
    table[steps - k] = 1 - table[k];
  }
  return table;
}
