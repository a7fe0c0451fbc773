import * as tf from "@tensorflow/tfjs-core";

/** What tfjs tells a kernel of a convolution's gradient; there are none of dilated ones. */
export type ConvolutionAttributes = Pick<
  tf.Conv2DBackpropInputAttrs,
  "strides" | "pad" | "dimRoundingMode"
>;

/** Strides, padding and sizes of a convolution from tfjs's attributes; NHWC, as all of this library. */
export function convolutionInfo(
  image: readonly number[],
  filter: readonly number[],
  attributes: ConvolutionAttributes,
  depthwise: boolean,
): tf.backend_util.Conv2DInfo {
  const { strides, pad, dimRoundingMode } = attributes;
  return tf.backend_util.computeConv2DInfo(
    [...image] as [number, number, number, number],
    [...filter] as [number, number, number, number],
    strides,
    1,
    pad,
    dimRoundingMode,
    depthwise,
  );
}

/**
 * A filter `[height, width, in, out]` turned by half a turn, row by row: tfjs's `reverse` and `gather` go
 * by single numbers there.
 */
export function turnedFilter(filter: tf.Tensor): tf.Tensor4D {
  const [height, width, from, to] = filter.shape;
  const size = height * width;
  const rows: tf.Tensor2D = tf.reshape(filter, [size, from * to]);
  const turned = Array.from({ length: size }, (_, i) => tf.slice(rows, [size - 1 - i, 0], [1, -1]));
  return tf.reshape(size === 1 ? rows : tf.concat(turned), [height, width, from, to]);
}

/** The image with the zeros around it that the convolution saw. */
export function padded(x: tf.Tensor4D, info: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const { top, bottom, left, right } = info.padInfo;
  return withSides(x, [top, bottom], [left, right]);
}

/**
 * The gradient by a convolution's result as the gradient by its image convolves it with the turned
 * filter, at stride 1: zeros where the strides did not look, and a border of the filter's size.
 */
export function spreadGradient(dy: tf.Tensor4D, info: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const { strideHeight, strideWidth, padInfo, inHeight, inWidth } = info;
  const [batch, height, width, channels] = dy.shape;
  const none: [number, number] = [0, 0];
  const apart = tf.reshape(dy, [batch, height, 1, width, 1, channels]);
  const between = [none, none, [0, strideHeight - 1], none, [0, strideWidth - 1], none] as [
    number,
    number,
  ][];
  const spread: tf.Tensor4D = tf.reshape(tf.pad(apart, between), [
    batch,
    height * strideHeight,
    width * strideWidth,
    channels,
  ]);
  const side = (size: number, filter: number, before: number, image: number): [number, number] => {
    const start = filter - 1 - before;
    return [start, image + filter - 1 - size - start];
  };
  return withSides(
    spread,
    side(height * strideHeight, info.filterHeight, padInfo.top, inHeight),
    side(width * strideWidth, info.filterWidth, padInfo.left, inWidth),
  );
}

type Side = readonly [before: number, after: number];

/** Zeros around an image; a negative number cuts pixels away. */
function withSides(x: tf.Tensor4D, vertical: Side, horizontal: Side): tf.Tensor4D {
  const wide = ([before, after]: Side): [number, number] => [
    Math.max(before, 0),
    Math.max(after, 0),
  ];
  const [rows, columns] = [wide(vertical), wide(horizontal)];
  const larger = [...rows, ...columns].every((n) => n === 0)
    ? x
    : tf.pad(x, [[0, 0], rows, columns, [0, 0]]);
  if ([...vertical, ...horizontal].every((n) => n >= 0)) return larger;
  const [batch, height, width, channels] = larger.shape;
  const cut = ([before, after]: Side, size: number): [number, number] => {
    const start = Math.max(-before, 0);
    return [start, size - start - Math.max(-after, 0)];
  };
  const [top, tall] = cut(vertical, height);
  const [left, broad] = cut(horizontal, width);
  return tf.slice(larger, [0, top, left, 0], [batch, tall, broad, channels]);
}
