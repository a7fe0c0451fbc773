import * as tf from "@tensorflow/tfjs-core";
import { wasmKernel } from "./kernel";

/**
 * A product of transposed matrices, such as the gradients of a linear layer: transposed first, since the
 * WASM backend's fast kernel takes none that are, and its other one is up to a hundred times slower.
 */
export const transposedProduct = wasmKernel<tf.BatchMatMulInputs, tf.BatchMatMulAttrs>(
  tf.BatchMatMul,
  ({ a, b }, { transposeA, transposeB }) => {
    const turned = (x: tf.Tensor) => {
      const axes = [...x.shape.keys()];
      return tf.transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
    };
    return tf.matMul(transposeA ? turned(a) : a, transposeB ? turned(b) : b);
  },
  ({ transposeA, transposeB }) => transposeA || transposeB,
);
