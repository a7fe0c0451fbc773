import type * as tf from "@tensorflow/tfjs-core";
import { type Attribute, attribute, DT, nativeOp } from "./native";

/**
 * Gradients by TensorFlow's own op, which take the place of tfjs's while a function is recorded:
 * those are made of up to six ops each and keep the input beside the output.
 */
export const RECORDED_GRADIENTS: readonly tf.GradConfig[] = [
  byOutput("Relu", (dy, y) => grad("ReluGrad", [dy, y])),
  byOutput("Relu6", (dy, y) => grad("Relu6Grad", [dy, y])),
  byOutput("Sigmoid", (dy, y) => grad("SigmoidGrad", [y, dy])),
  byOutput("Tanh", (dy, y) => grad("TanhGrad", [y, dy])),
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
