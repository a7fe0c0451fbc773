import * as tf from "@tensorflow/tfjs-core";
import * as batchNormalization from "../engine/ops/batch-norm";
import * as convolution from "../engine/ops/convolution";
import { type Drop, dropout as dropValues } from "../engine/ops/dropout";
import * as layerNormalization from "../engine/ops/layer-norm";
import { addBias, linear as matrixProduct } from "../engine/ops/linear";
import { statelessUniform } from "../engine/ops/stateless-random";
import { fanInUniform, type Initializer, kaimingNormal, ones, zeros } from "./initializers";
import type { Context, Layer } from "./module";
import type { Dropped, Parameters } from "./parameters";

/** Options of {@link conv2d}. Padding is symmetric, as PyTorch pads. */
export interface ConvOptions {
  /** Pixels from one output to the next. Default 1. */
  stride?: number;
  /** Default: (kernel − 1) / 2. "same": TensorFlow's, which may be one more below and right. */
  padding?: number | "same";
  /** Channels are split into so many groups that do not mix. Default 1. */
  groups?: number;
  /** Whether a learned value is added to each channel. Default true. */
  bias?: boolean;
  /** Of the filters. Default: He et al. 2015 by fan-out. */
  init?: Initializer;
}

/** Convolution with a square kernel, [b, h, w, in] → [b, h', w', out]. */
export function conv2d(
  p: Parameters,
  channelsIn: number,
  channelsOut: number,
  kernel: number,
  options: ConvOptions = {},
): Layer {
  const { stride = 1, padding = (kernel - 1) >> 1, groups = 1, bias = true } = options;
  const init = options.init ?? kaimingNormal("fanOut");
  const depthwise = groups === channelsIn && channelsIn === channelsOut && groups > 1;
  const weight = depthwise
    ? p.add("weight", [kernel, kernel, channelsIn, 1], init, { layout: "depthwise" })
    : p.add("weight", [kernel, kernel, channelsIn / groups, channelsOut], init, { layout: "conv" });
  const offset = bias ? p.add("bias", [channelsOut], zeros) : undefined;
  const convolve = depthwise ? convolution.depthwiseConv2d : convolution.conv2d;
  return (x, context) => {
    const filter = weight.variable as tf.Tensor4D;
    let y: tf.Tensor4D;
    if (kernel === 1 && stride > 1) y = convolve(everyNth(x, stride), filter, 1, 0);
    else if (padding === "same" && stride === 1 && kernel % 2 === 1)
      y = convolve(x, filter, 1, (kernel - 1) / 2);
    else if (padding === "same") y = convolve(padSame(x, kernel, stride), filter, stride, 0);
    // TensorFlow has no gradient for groups and a list of paddings together.
    else if (groups > 1 && !depthwise && stride > 1)
      y = convolve(pad(x, padding), filter, stride, 0);
    else y = convolve(x, filter, stride, padding);
    context.tally?.((y.size * kernel * kernel * channelsIn) / groups);
    return offset === undefined ? y : addBias(y, offset.variable as tf.Tensor1D);
  };
}

/**
 * Every n-th pixel. Before a 1×1 convolution of stride 1 it stands for one of stride n, whose filter
 * gradient (Conv2DBackpropFilter with oneDNN, TensorFlow 2.21) writes outside its memory for small
 * channel counts.
 */
function everyNth(x: tf.Tensor4D, n: number): tf.Tensor4D {
  return tf.maxPool(x, 1, n, "valid");
}

function pad(x: tf.Tensor4D, by: number): tf.Tensor4D {
  const sides: [number, number] = [by, by];
  return by === 0 ? x : tf.pad(x, [[0, 0], sides, sides, [0, 0]]);
}

function padSame(x: tf.Tensor4D, kernel: number, stride: number): tf.Tensor4D {
  const sides = [x.shape[1], x.shape[2]].map((length): [number, number] => {
    const total = Math.max((Math.ceil(length / stride) - 1) * stride + kernel - length, 0);
    return [total >> 1, total - (total >> 1)];
  });
  return tf.pad(x, [[0, 0], sides[0], sides[1], [0, 0]]);
}

/** A convolution without bias and its batch norm, named `conv` and `bn`. */
export function convNorm(
  p: Parameters,
  channelsIn: number,
  channelsOut: number,
  kernel: number,
  options: Omit<ConvOptions, "bias"> & { scale?: Initializer } = {},
): Layer {
  return sequence(
    conv2d(p.at("conv"), channelsIn, channelsOut, kernel, { ...options, bias: false }),
    batchNorm(p.at("bn"), channelsOut, { scale: options.scale }),
  );
}

/**
 * Scale each channel by a gate that sees the means of all (Hu et al. 2017, arXiv:1709.01507).
 *
 * @param scopes Of the two 1×1 convolutions, the narrowing one first.
 */
export function squeezeExcite(
  scopes: readonly [Parameters, Parameters],
  channels: number,
  narrow: number,
  activation: Layer,
): Layer {
  const reduce = conv2d(scopes[0], channels, narrow, 1);
  const expand = conv2d(scopes[1], narrow, channels, 1);
  return (x, context) => {
    const means = tf.reshape(globalAveragePool(x), [x.shape[0], 1, 1, channels]) as tf.Tensor4D;
    const gate = expand(activation(reduce(means, context), context), context);
    return tf.mul(x, tf.sigmoid(gate));
  };
}

/** max(x, 0), element by element. */
export const relu: Layer = (x) => tf.relu<tf.Tensor4D>(x);

/**
 * y = x Wᵀ + b over the last dimension; W is [out, in] as in PyTorch.
 *
 * @param options `bias`: whether b is there, default true. `init`: of W, default uniform by fan-in.
 */
export function linear<T extends tf.Tensor>(
  p: Parameters,
  featuresIn: number,
  featuresOut: number,
  options: { bias?: boolean; init?: Initializer } = {},
): Layer<T> {
  const weight = p.add("weight", [featuresOut, featuresIn], options.init ?? fanInUniform());
  const bias = options.bias === false ? undefined : p.add("bias", [featuresOut], zeros);
  return (x, context) => {
    context.tally?.(x.size * featuresOut);
    return matrixProduct(x, weight.variable as tf.Tensor2D, bias?.variable as tf.Tensor1D) as T;
  };
}

/**
 * Batch normalization over all but the channels (Ioffe & Szegedy 2015, arXiv:1502.03167). In
 * training it normalizes by the batch and moves the running statistics by `momentum` (PyTorch's
 * sense: the share of the new value); a frozen one uses the running statistics.
 *
 * @param options `epsilon`: added to the variance, default 1e-5. `momentum`: default 0.1. `scale`:
 *   first values of the scale, default 1.
 */
export function batchNorm(
  p: Parameters,
  channels: number,
  options: { epsilon?: number; momentum?: number; scale?: Initializer } = {},
): Layer {
  const { epsilon = 1e-5, momentum = 0.1 } = options;
  const scale = p.add("weight", [channels], options.scale ?? ones);
  const offset = p.add("bias", [channels], zeros);
  const mean = p.add("running_mean", [channels], zeros, { buffer: true });
  const variance = p.add("running_var", [channels], ones, { buffer: true });
  return (x, context) =>
    batchNormalization.batchNorm(
      x,
      scale.variable,
      offset.variable,
      mean.variable,
      variance.variable,
      {
        training: context.training && scale.trainable,
        momentum,
        epsilon,
      },
    );
}

/** Layer normalization over the last dimension (Ba et al. 2016, arXiv:1607.06450). */
export function layerNorm<T extends tf.Tensor>(
  p: Parameters,
  features: number,
  epsilon = 1e-6,
): Layer<T> {
  const scale = p.add("weight", [features], ones);
  const offset = p.add("bias", [features], zeros);
  return (x) => layerNormalization.layerNorm(x, scale.variable, offset.variable, epsilon);
}

/** What is dropped in a call; nothing outside training, unless the context says so. */
export function dropping(
  p: Parameters,
  rate: number,
  what: Dropped = "dropout",
): (context: Context) => Drop | undefined {
  const stream = p.nextStream() + 1;
  if (rate > 0) p.noteDropout(what);
  return ({ training, dropping = training, seed }) => {
    if (rate === 0 || !dropping || seed === undefined) return undefined;
    return { rate, seed: tf.add(seed, tf.tensor1d([0, stream], "int32")) };
  };
}

/** Drop single values in training and scale the rest (Srivastava et al. 2014). */
export function dropout<T extends tf.Tensor>(p: Parameters, rate: number): Layer<T> {
  const drop = dropping(p, rate);
  return (x, context) => {
    const by = drop(context);
    return by === undefined ? x : dropValues(x, by);
  };
}

/** Drop a residual branch for whole images in training (Huang et al. 2016, arXiv:1603.09382). */
export function dropPath<T extends tf.Tensor>(p: Parameters, rate: number): Layer<T> {
  const drop = dropping(p, rate, "dropPath");
  return (x, context) => {
    const by = drop(context);
    if (by === undefined) return x;
    const drawn = statelessUniform([x.shape[0], ...x.shape.slice(1).map(() => 1)], by.seed);
    return tf.mul(x, tf.mul(tf.cast(tf.greaterEqual(drawn, rate), "float32"), 1 / (1 - rate)));
  };
}

/** Max pooling of values that are not negative (so that zeros may pad them). */
export function maxPool(
  x: tf.Tensor4D,
  kernel: number,
  stride: number,
  padding: number,
): tf.Tensor4D {
  return tf.maxPool(pad(x, padding), kernel, stride, "valid");
}

/** The mean over height and width: [b, h, w, c] → [b, c]. */
export function globalAveragePool(x: tf.Tensor4D): tf.Tensor2D {
  const [batch, height, width, channels] = x.shape;
  // Its kernel and its gradient's take bfloat16 too, and add in float32; a mean's do not.
  return tf.reshape(tf.avgPool(x, [height, width], 1, "valid"), [batch, channels]);
}

/** Run layers one after another. */
export function sequence<T extends tf.Tensor>(...layers: Layer<T>[]): Layer<T> {
  return (x, context) => layers.reduce((y, layer) => layer(y, context), x);
}

/** Stochastic-depth rates that rise linearly from 0 to `rate` over `depth` blocks, as timm's do. */
export function dropPathRates(rate: number, depth: number): number[] {
  return Array.from({ length: depth }, (_, i) => (depth > 1 ? (rate * i) / (depth - 1) : 0));
}
