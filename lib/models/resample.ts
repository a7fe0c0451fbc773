import * as tf from "@tensorflow/tfjs-core";
import { lineWeights } from "../core/resize";

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

/** float32 [to, from]: each output's weights over the inputs. */
function cubicMatrix(from: number, to: number): tf.Tensor2D {
  const { taps, first, weights } = lineWeights(from, to, "bicubic");
  const matrix = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    matrix.set(weights.subarray(i * taps, (i + 1) * taps), i * from + first[i]);
  }
  return tf.tensor2d(matrix, [to, from]);
}
