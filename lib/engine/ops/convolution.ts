import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, hasOneDnn, nativeEngine, nativeOp } from "../native";
import { isMixed, rematerialize } from "../trace";
import { differentiable } from "./differentiable";
import { product } from "./linear";

/** From this size on a depthwise filter's gradient is a convolution of its own. */
const LARGE = 5;

/**
 * A convolution of one of TensorFlow's two families, with its two gradients.
 *
 * Padding is TensorFlow's own where it has a name there. A list of paddings has no oneDNN kernel for
 * the gradients (ten times slower in bfloat16), and TensorFlow 2.21 ends the process when it fuses a
 * depthwise one with a bias: then the image is padded first.
 */
function convolve(
  family: "Conv2D" | "DepthwiseConv2dNative",
  image: tf.Tensor4D,
  filter: tf.Tensor4D,
  stride: number,
  padding: number,
): tf.Tensor4D {
  const [height, width] = filter.shape;
  const same = stride === 1 && height === width && height === 2 * padding + 1;
  const x = same ? image : pad(image, padding);
  const half = isMixed();
  const hasKernel = half && nativeEngine()?.hasFilterGradient(filter.shape[2], filter.shape[3]);
  const tiles =
    family === "Conv2D" &&
    !hasKernel &&
    height === stride &&
    width === stride &&
    filter.shape[2] === x.shape[3] &&
    (x.shape[1] % stride) + (x.shape[2] % stride) === 0;
  const strided = (by: number) => attributesOf(by, same ? "SAME" : "VALID");
  const attributes = strided(stride);
  const depthwise = family === "DepthwiseConv2dNative";
  const large = depthwise && height >= LARGE && hasOneDnn();
  const slides = large && (half || (same && height > LARGE));
  const eigen = large && !slides;
  const turns = depthwise && hasOneDnn() && half;
  // As if the filter had been moved by one pixel at a time.
  const dense = (dy: tf.Tensor4D) =>
    stride === 1 ? dy : spread(dy, stride, [x.shape[1] - height + 1, x.shape[2] - width + 1]);
  return differentiable<tf.Tensor4D>(
    [x, filter],
    (save) => {
      save([x, filter]);
      return nativeOp(family, attributes, [x, filter])[0];
    },
    (dy, [x0, w]) => {
      const whole = turns || slides ? dense(dy) : dy;
      return [
        turns
          ? turnedImageGradient(whole, w as tf.Tensor4D, same)
          : nativeOp(`${family}BackpropInput`, attributes, [
              tf.tensor1d(x0.shape, "int32"),
              w,
              dy,
            ])[0],
        () => {
          const image = rematerialize(x0, dy) as tf.Tensor4D;
          if (tiles) return tilesFilterGradient(image, dy, stride);
          if (slides) return slidingFilterGradient(same ? pad(image, padding) : image, whole);
          const sizes = tf.tensor1d(w.shape, "int32");
          const given = eigen ? attributesOf(stride, "EXPLICIT", same ? padding : 0) : attributes;
          return nativeOp(`${family}BackpropFilter`, given, [image, sizes, dy])[0];
        },
      ];
    },
  );
}

/**
 * @param padding `EXPLICIT`: by a list of numbers. oneDNN then leaves the op to Eigen's kernel, whose
 *   gradient by depthwise filters of 5 × 5 is two to three times faster in float32.
 * @param margin Zeros on each side, where padding is `EXPLICIT`.
 */
function attributesOf(stride: number, padding: "SAME" | "VALID" | "EXPLICIT", margin = 0) {
  return [
    ...(padding === "EXPLICIT"
      ? [attribute.int("explicit_paddings", [0, 0, margin, margin, margin, margin, 0, 0])]
      : []),
    attribute.type("T", DT.float32),
    attribute.int("strides", [1, stride, stride, 1]),
    attribute.int("dilations", [1, 1, 1, 1]),
    attribute.string("data_format", "NHWC"),
    attribute.string("padding", padding),
  ];
}

/**
 * The gradient by the result of the same convolution of stride 1: zero wherever the strided one did
 * not look. oneDNN takes up to thirty times longer for strided depthwise gradients in bfloat16; in float32
 * this form only costs time.
 */
function spread(dy: tf.Tensor4D, stride: number, size: readonly [number, number]): tf.Tensor4D {
  const [batch, height, width, channels] = dy.shape;
  const none: [number, number] = [0, 0];
  const between: [number, number] = [0, stride - 1];
  const apart = tf.reshape(dy, [batch, height, 1, width, 1, channels]);
  const padded = tf.pad(apart, [none, none, between, none, between, none]);
  const whole: tf.Tensor4D = tf.reshape(padded, [batch, height * stride, width * stride, channels]);
  if (size[0] === height * stride && size[1] === width * stride) return whole;
  return tf.slice(whole, [0, 0, 0, 0], [batch, ...size, channels]);
}

/**
 * By the filter that is moved by its own size, as one product of matrices: oneDNN does that 10-30 %
 * faster than its convolution's gradient, patches of 16 pixels in bfloat16 three times. A kernel of our own is faster.
 */
function tilesFilterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, size: number): tf.Tensor {
  const [batch, height, width, channels] = x.shape;
  const row = size * channels;
  const cut = tf.reshape(x, [batch, height / size, size, width / size, row]);
  const tiles = size === 1 ? cut : tf.transpose(cut, [0, 1, 3, 2, 4]);
  const out = dy.shape[3];
  const gradient = product(tf.reshape(tiles, [-1, size * row]), tf.reshape(dy, [-1, out]), true);
  return tf.reshape(gradient, [size, size, channels, out]);
}

/**
 * By the image of a depthwise convolution of stride 1, as a convolution with the filter turned by 180°: oneDNN has
 * faster kernels for that than for its own gradient, in bfloat16.
 */
function turnedImageGradient(dy: tf.Tensor4D, filter: tf.Tensor4D, same: boolean): tf.Tensor {
  const turned = tf.reverse(filter, [0, 1]);
  const image = same ? dy : pad(dy, filter.shape[0] - 1);
  const attributes = attributesOf(1, same ? "SAME" : "VALID");
  return nativeOp("DepthwiseConv2dNative", attributes, [image, turned])[0];
}

/**
 * By a depthwise filter of stride 1, as a depthwise convolution of each image with the gradient by its
 * result. oneDNN's own gradient is two (float32) to eight times (bfloat16) slower for filters of 7 × 7.
 *
 * @param x with its padding
 */
function slidingFilterGradient(x: tf.Tensor4D, dy: tf.Tensor4D): tf.Tensor {
  const [batch, height, width, channels] = dy.shape;
  const size = x.shape[1] - height + 1;
  const asChannels = (image: tf.Tensor4D) => tf.transpose(image, [1, 2, 0, 3]);
  const image = tf.reshape(asChannels(x), [1, x.shape[1], x.shape[2], batch * channels]);
  const filter = tf.reshape(asChannels(dy), [height, width, batch * channels, 1]);
  const attributes = attributesOf(1, "VALID");
  const [gradients] = nativeOp("DepthwiseConv2dNative", attributes, [image, filter]);
  const sum = tf.sum(tf.reshape(gradients, [size, size, batch, channels]), 2);
  return tf.reshape(sum, [size, size, channels, 1]);
}

/**
 * Convolution; grouped when the filter has fewer input channels than the image.
 *
 * @param x float32 [batch, height, width, in]
 * @param filter float32 [height, width, in / groups, out]
 * @param stride pixels, in both directions
 * @param padding zeros on each of the four sides, as in PyTorch
 * @returns float32 [batch, height', width', out]
 */
export function conv2d(x: tf.Tensor4D, filter: tf.Tensor4D, stride = 1, padding = 0): tf.Tensor4D {
  if (nativeEngine() !== undefined) return convolve("Conv2D", x, filter, stride, padding);
  const groups = x.shape[3] / filter.shape[2];
  const padded = pad(x, padding);
  if (groups === 1) return tf.conv2d(padded, filter, stride, "valid");
  const filters = tf.split(filter, groups, 3);
  const parts = tf
    .split(padded, groups, 3)
    .map((part, i) => tf.conv2d(part as tf.Tensor4D, filters[i] as tf.Tensor4D, stride, "valid"));
  return tf.concat(parts, 3);
}

/**
 * One filter per channel.
 *
 * @param x float32 [batch, height, width, channels]
 * @param filter float32 [height, width, channels, 1]
 * @param stride pixels, in both directions
 * @param padding zeros on each of the four sides, as in PyTorch
 */
export function depthwiseConv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  stride = 1,
  padding = 0,
): tf.Tensor4D {
  if (nativeEngine() === undefined) {
    return tf.depthwiseConv2d(pad(x, padding), filter, stride, "valid");
  }
  return convolve("DepthwiseConv2dNative", x, filter, stride, padding);
}

function pad(x: tf.Tensor4D, by: number): tf.Tensor4D {
  if (by === 0) return x;
  const sides: [number, number] = [by, by];
  return tf.pad(x, [[0, 0], sides, sides, [0, 0]]);
}
