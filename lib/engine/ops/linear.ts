import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, nativeBackend, nativeOp } from "../native";
import { differentiable } from "./differentiable";

/** The product of two matrices, each taken transposed if asked; not differentiated. */
function product(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): tf.Tensor {
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

/** Add a vector to the last dimension; one op, which TensorFlow fuses with the product before it. */
export function addBias<T extends tf.Tensor>(x: T, bias: tf.Tensor1D): T {
  if (nativeBackend() === undefined) return tf.add(x, bias);
  const type = [attribute.type("T", DT.float32), attribute.string("data_format", "NHWC")];
  return differentiable<T>(
    [x, bias],
    () => nativeOp("BiasAdd", type, [x, bias])[0],
    (dy) => [dy, nativeOp("BiasAddGrad", type, [dy])[0]],
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
  const y = nativeBackend() === undefined ? tf.matMul(rows, weight, false, true) : rowsBy();
  const z = bias === undefined ? y : addBias(y, bias);
  return x.rank === 2 ? z : tf.reshape(z, [...x.shape.slice(0, -1), out]);

  function rowsBy(): tf.Tensor2D {
    return differentiable<tf.Tensor2D>(
      [rows, weight],
      (save) => {
        save([rows, weight]);
        return product(rows, weight, false, true);
      },
      (dy, [x0, w]) => [product(dy, w, false, false), product(dy, x0, true, false)],
    );
  }
}
