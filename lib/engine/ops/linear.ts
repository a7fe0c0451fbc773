import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, nativeEngine, nativeOp } from "../native";
import { rematerialize } from "../trace";
import { differentiable } from "./differentiable";

/** From so many rows on, a product in float32 gains more than transposing its right side costs. */
const MANY_ROWS = 2048;

/** The product of two matrices, each taken transposed if asked; not differentiated. */
export function product(
  a: tf.Tensor,
  b: tf.Tensor,
  transposeA = false,
  transposeB = false,
): tf.Tensor {
  return nativeOp(
    "MatMul",
    [
      attribute.type("T", DT.float32),
      attribute.bool("transpose_a", transposeA),
      attribute.bool("transpose_b", transposeB),
    ],
    [a, b],
  )[0];
}

/** The transpose of a matrix, in a form that TensorFlow does not merge into a product again. */
function transposed(matrix: tf.Tensor2D): tf.Tensor2D {
  const [rows, columns] = matrix.shape;
  const flipped = tf.transpose(tf.reshape(matrix, [1, rows, columns]), [0, 2, 1]);
  return tf.reshape(flipped, [columns, rows]);
}

/**
 * The sum over all but the last dimension; not differentiated. A product with ones, which TensorFlow
 * does up to four times faster than a sum.
 *
 * @param x float32 [..., features]
 * @returns float32 [features]
 */
export function sumOverRows(x: tf.Tensor): tf.Tensor {
  const features = x.shape[x.rank - 1];
  const rows = tf.reshape(x, [-1, features]);
  if (nativeEngine() === undefined) return tf.sum(rows, 0);
  return tf.reshape(product(tf.ones([1, rows.shape[0]]), rows), [features]);
}

/**
 * The sum over the last dimension, each term times its weight; not differentiated. A product too.
 *
 * @param x float32 [..., features]
 * @param weights float32 [features]; default ones
 * @returns float32 [..., 1]
 */
export function sumOverColumns(x: tf.Tensor, weights?: tf.Tensor): tf.Tensor {
  const features = x.shape[x.rank - 1];
  const [rows, column] = [tf.reshape(x, [-1, features]), [features, 1] as [number, number]];
  const by = weights === undefined ? tf.ones(column) : tf.reshape(weights, column);
  const sums = nativeEngine() === undefined ? tf.matMul(rows, by) : product(rows, by);
  return tf.reshape(sums, [...x.shape.slice(0, -1), 1]);
}

/** Add a vector to the last dimension; one op, which TensorFlow fuses with the product before it. */
export function addBias<T extends tf.Tensor>(x: T, bias: tf.Tensor1D): T {
  if (nativeEngine() === undefined) return tf.add(x, bias);
  const type = [attribute.type("T", DT.float32), attribute.string("data_format", "NHWC")];
  return differentiable<T>(
    [x, bias],
    () => nativeOp("BiasAdd", type, [x, bias])[0],
    (dy) => [dy, () => sumOverRows(dy)],
  );
}

/**
 * y = x Wᵀ + b over the last dimension.
 *
 * @param x float32 [..., in]
 * @param weight float32 [out, in], PyTorch's layout
 * @param bias float32 [out]
 * @returns float32 [..., out]
 */
export function linear(x: tf.Tensor, weight: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor {
  const [out, features] = weight.shape;
  const rows = x.rank === 2 ? (x as tf.Tensor2D) : tf.reshape(x, [-1, features]);
  const y = nativeEngine() === undefined ? tf.matMul(rows, weight, false, true) : rowsBy();
  const z = bias === undefined ? y : addBias(y, bias);
  return x.rank === 2 ? z : tf.reshape(z, [...x.shape.slice(0, -1), out]);

  function rowsBy(): tf.Tensor2D {
    return differentiable<tf.Tensor2D>(
      [rows, weight],
      (save) => {
        save([rows, weight]);
        return rows.shape[0] < MANY_ROWS
          ? product(rows, weight, false, true)
          : product(rows, transposed(weight));
      },
      (dy, [x0, w]) => [product(dy, w), () => product(dy, rematerialize(x0, dy), true)],
    );
  }
}
