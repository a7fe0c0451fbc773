import * as tf from "@tensorflow/tfjs-core";
import { wasmKernel } from "./kernel";
import { transposed } from "./transposed";

/** Multiplications of one pair, from which on the fast kernel repays that it is prepared anew (1 ms) for each. */
const WORTH_SPLITTING = 2 ** 20;

/**
 * A product of matrices by the WASM backend's fast kernel, which takes one pair of them, neither
 * transposed; its other one is ten to a hundred times slower. So what is transposed is turned first, as
 * in the gradients of a linear layer, and of a batch, as in attention, each pair is a call of its own.
 */
export const matrixProduct = wasmKernel<tf.BatchMatMulInputs, tf.BatchMatMulAttrs>(
  tf.BatchMatMul,
  ({ a, b }, { transposeA, transposeB }) => {
    const [first, second] = [transposeA ? transposed(a) : a, transposeB ? transposed(b) : b];
    if (!splits(first, second)) return tf.matMul(first, second);
    const shape = first.shape.slice(0, -2);
    const [lefts, rights] = [first, second].map((x) =>
      tf.unstack(tf.reshape(x, [-1, ...x.shape.slice(-2)])),
    );
    const products = lefts.map((left, i) => tf.matMul(left as tf.Tensor2D, rights[i]));
    return tf.reshape(tf.stack(products), [...shape, ...products[0].shape]);
  },
  ({ transposeA, transposeB }, { a, b }) => transposeA || transposeB || splits(a, b),
);

/** Whether two batches of untransposed matrices are better multiplied pair by pair. */
function splits(a: tf.Tensor, b: tf.Tensor): boolean {
  const [batch, other] = [a, b].map(({ shape }) => shape.slice(0, -2));
  const pairs = batch.reduce((product, length) => product * length, 1);
  const [rows, depth] = a.shape.slice(-2);
  const work = rows * depth * b.shape[b.rank - 1];
  return pairs > 1 && String(batch) === String(other) && work >= WORTH_SPLITTING;
}
