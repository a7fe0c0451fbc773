import * as tf from "@tensorflow/tfjs-core";
import { type Attribute, attribute, DT, nativeOp } from "../native";

/** How a gradient is computed while a function is traced; takes the place of tfjs's. */
export type OpGradient = Omit<tf.GradConfig, "kernelName">;

const TYPE: readonly Attribute[] = [attribute.type("T", DT.float32)];

/** One op that is the gradient of another. */
export function grad(op: string, inputs: readonly tf.Tensor[]): tf.Tensor {
  return nativeOp(op, TYPE, inputs)[0];
}

/** The gradient of a function of one tensor that follows from its value. */
export function byOutput(gradient: (dy: tf.Tensor, y: tf.Tensor) => tf.Tensor): OpGradient {
  return {
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({ x: () => gradient(dy as tf.Tensor, y) }),
  };
}

/** The gradient of a reduction: the result's, weighed, for every element that went into it. */
export function ofReduction(weight: (dy: tf.Tensor, x: tf.Tensor) => number): OpGradient {
  return {
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attributes) => ({
      x: () => {
        const given = dy as tf.Tensor;
        const { axis } = attributes as unknown as { axis: number | number[] };
        const axes = tf.util.parseAxisParam(axis, x.shape);
        const kept = x.shape.map((size, i) => (axes.includes(i) ? 1 : size));
        const share = weight(given, x);
        const weighed = share === 1 ? given : tf.mul(given, share);
        return nativeOp(
          "BroadcastTo",
          [...TYPE, attribute.type("Tidx", DT.int32)],
          [tf.reshape(weighed, kept), tf.tensor1d(x.shape, "int32")],
        )[0];
      },
    }),
  };
}

/** The gradient of a tile: the sum of the copies. */
export const tileGradient: OpGradient = {
  inputsToSave: ["x"],
  gradFunc: (dy, [x]) => ({
    x: () => {
      const given = dy as tf.Tensor;
      // Each axis as (copies, size): the copies are summed.
      const apart = x.shape.flatMap((size, i) => [given.shape[i] / size, size]);
      const copies = x.shape.map((_, i) => 2 * i).filter((axis) => apart[axis] > 1);
      return tf.reshape(tf.sum(tf.reshape(given, apart), copies), x.shape);
    },
  }),
};
