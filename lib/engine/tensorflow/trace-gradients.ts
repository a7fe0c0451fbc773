import * as tf from "@tensorflow/tfjs-core";
import { type Attribute, attribute, DT, nativeOp } from "../native";

/**
 * Gradients by TensorFlow's own op, which take the place of tfjs's while a function is traced:
 * those are made of up to six ops each and keep the input beside the output, or multiply by ones of
 * the input's shape, which a trace would hold as constants, or slice every copy of a tile.
 */
export const TRACE_GRADIENTS: readonly tf.GradConfig[] = [
  byOutput("Relu", (dy, y) => grad("ReluGrad", [dy, y])),
  byOutput("Relu6", (dy, y) => grad("Relu6Grad", [dy, y])),
  byOutput("Sigmoid", (dy, y) => grad("SigmoidGrad", [y, dy])),
  byOutput("Tanh", (dy, y) => grad("TanhGrad", [y, dy])),
  ofReduction("Sum", () => 1),
  ofReduction("Mean", (dy, x) => dy.size / x.size),
  {
    kernelName: "Tile",
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
  },
];

const TYPE: readonly Attribute[] = [attribute.type("T", DT.float32)];

function grad(op: string, inputs: readonly tf.Tensor[]): tf.Tensor {
  return nativeOp(op, TYPE, inputs)[0];
}

/** The gradient of a function of one tensor that follows from its value. */
function byOutput(
  kernelName: string,
  gradient: (dy: tf.Tensor, y: tf.Tensor) => tf.Tensor,
): tf.GradConfig {
  return {
    kernelName,
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({ x: () => gradient(dy as tf.Tensor, y) }),
  };
}

/** The gradient of a reduction: the result's, weighed, for every element that went into it. */
function ofReduction(
  kernelName: string,
  weight: (dy: tf.Tensor, x: tf.Tensor) => number,
): tf.GradConfig {
  return {
    kernelName,
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
