import * as tf from "@tensorflow/tfjs-core";
import { convolutionInfo, spreadGradient, turnedFilter } from "./convolution-sides";
import { wasmKernel } from "./kernel";

/** Gradient of a depthwise convolution by its image: the turned filters over the spread gradient. */
export const depthwiseInputGradient = wasmKernel<
  tf.DepthwiseConv2dNativeBackpropInputInputs,
  tf.DepthwiseConv2dNativeBackpropInputAttrs
>(tf.DepthwiseConv2dNativeBackpropInput, ({ dy, filter }, attributes) => {
  const { inputShape } = attributes;
  const info = convolutionInfo(inputShape, filter.shape, attributes, true);
  const [height, width, channels, each] = filter.shape;
  const turned: tf.Tensor4D = tf.reshape(turnedFilter(filter), [height, width, channels * each, 1]);
  const spread = spreadGradient(dy as tf.Tensor4D, info);
  const gradients = tf.depthwiseConv2d(spread, turned, 1, "valid");
  if (each === 1) return gradients;
  return tf.sum(tf.reshape(gradients, [...inputShape, each]), 4);
});
