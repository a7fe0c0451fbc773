import * as tf from "@tensorflow/tfjs-core";
import { convolutionInfo, padded } from "./convolution-sides";
import { wasmKernel } from "./kernel";

/**
 * Gradient of a convolution by its filter, as a convolution: of the image with the gradient by the
 * result, channels in the place of images. The WASM backend has none; as products of matrices it took
 * twice as long or more.
 */
export const conv2dFilterGradient = wasmKernel<
  tf.Conv2DBackpropFilterInputs,
  tf.Conv2DBackpropFilterAttrs
>(tf.Conv2DBackpropFilter, ({ x, dy }, attributes) => {
  const { filterShape } = attributes;
  const info = convolutionInfo(x.shape, filterShape, attributes, false);
  const channelsAsImages = tf.transpose(padded(x as tf.Tensor4D, info), [3, 1, 2, 0]);
  const imagesAsChannels = tf.transpose(dy as tf.Tensor4D, [1, 2, 0, 3]);
  const gradient = tf.conv2d(
    channelsAsImages as tf.Tensor4D,
    imagesAsChannels,
    1,
    "valid",
    "NHWC",
    [info.strideHeight, info.strideWidth],
  );
  const [height, width, channels, out] = filterShape;
  return tf.transpose(
    tf.slice(gradient, [0, 0, 0, 0], [channels, height, width, out]),
    [1, 2, 0, 3],
  );
});
