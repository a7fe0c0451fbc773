import * as tf from "@tensorflow/tfjs-core";

/**
 * Resample a grid of vectors as PyTorch does with `mode="bicubic", antialias=True`.
 *
 * @param grid float32 [height, width, features]
 * @returns float32 [size[0], size[1], features]
 */
export function resampleGrid(grid: tf.Tensor3D, size: readonly [number, number]): tf.Tensor3D {
  const [height, width, features] = grid.shape;
  return tf.tidy(() => {
    const lines: tf.Tensor2D = tf.reshape(grid, [height, width * features]);
    const rows = tf.reshape(tf.matMul(cubicMatrix(height, size[0]), lines), [size[0], width, -1]);
    const turned: tf.Tensor2D = tf.reshape(tf.transpose(rows, [1, 0, 2]), [width, -1]);
    const both = tf.matMul(cubicMatrix(width, size[1]), turned);
    return tf.transpose(tf.reshape(both, [size[1], size[0], features]), [1, 0, 2]);
  });
}

/**
 * Resample position embeddings (class and register tokens first) to another grid of patches.
 *
 * @param embedding float32 [1, prefix + old², features]
 */
export function resamplePositions(
  embedding: tf.Tensor3D,
  prefix: number,
  size: readonly [number, number],
): tf.Tensor3D {
  const [, tokens, features] = embedding.shape;
  const side = Math.sqrt(tokens - prefix);
  return tf.tidy(() => {
    const [kept, patches] = tf.split(embedding, [prefix, tokens - prefix], 1);
    const grid = resampleGrid(tf.reshape(patches, [side, side, features]), size);
    return tf.concat([kept as tf.Tensor3D, tf.reshape(grid, [1, size[0] * size[1], features])], 1);
  });
}

/** [to, from]: each output's weights over the inputs; Keys' cubic kernel (1981) with a = −½. */
function cubicMatrix(from: number, to: number): tf.Tensor2D {
  const step = from / to;
  const stretch = Math.max(step, 1);
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const center = step * (i + 0.5);
    const row = weights.subarray(i * from, (i + 1) * from);
    const first = Math.max(Math.trunc(center - 2 * stretch + 0.5), 0);
    const end = Math.min(Math.trunc(center + 2 * stretch + 0.5), from);
    for (let j = first; j < end; j++) row[j] = cubic((j - center + 0.5) / stretch);
    const sum = row.reduce((a, b) => a + b, 0);
    for (let j = first; j < end; j++) row[j] /= sum;
  }
  return tf.tensor2d(weights, [to, from]);
}

function cubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return ((t - 5) * t + 8) * t * a - 4 * a;
  return 0;
}
