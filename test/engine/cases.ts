import * as tf from "@tensorflow/tfjs-core";
import * as ops from "#lib/engine/ops";

/** An op to be compared between ways of running it. */
export interface Case {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  /** Values are drawn from this range; default −2 … 2. */
  readonly range?: readonly [number, number];
  readonly fn: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** Largest difference between engines that may be; default 2e-5. */
  readonly tolerance?: number;
  /** The same between eager and compiled; default 1e-5. */
  readonly compiledTolerance?: number;
  readonly gradient?: false;
}

const image = [2, 8, 8, 4];
const as4 = (x: tf.Tensor) => x as tf.Tensor4D;

/** Every op of this project that has its own gradient, and what models use of tfjs itself. */
export const cases: readonly Case[] = [
  { name: "gelu exact", shapes: [[3, 5]], fn: (x) => ops.gelu(x, "exact") },
  { name: "gelu tanh", shapes: [[3, 5]], fn: (x) => ops.gelu(x, "tanh") },
  // Large enough to become one kernel when compiled, as are others below.
  { name: "gelu exact, large", shapes: [[256, 257]], fn: (x) => ops.gelu(x, "exact") },
  { name: "gelu tanh, large", shapes: [[256, 257]], fn: (x) => ops.gelu(x, "tanh") },
  { name: "relu6", shapes: [[3, 5]], fn: (x) => ops.relu6(tf.mul(x, 6)) },
  { name: "relu6, large", shapes: [[256, 257]], fn: (x) => ops.relu6(tf.mul(x, 6)) },
  { name: "silu, large", shapes: [[256, 257]], fn: (x) => ops.silu(x) },
  {
    name: "layerNorm, large",
    shapes: [[3, 683, 33], [33], [33]],
    fn: (x, g, b) => ops.layerNorm(x, g, b, 1e-6),
    tolerance: 1e-4,
    // One by one, rows are summed up less exactly.
    compiledTolerance: 5e-5,
  },
  {
    name: "attention, large",
    shapes: [
      [2, 2, 130, 4],
      [2, 2, 131, 4],
      [2, 2, 131, 4],
    ],
    fn: (q, k, v) => ops.attention(as4(q), as4(k), as4(v), 0.5),
  },
  ...[1, 9].map((n) => ({
    name: `cosineAttention in windows, ${n} times`,
    shapes: [
      [6, 8 * n, 24],
      [2, 1, 1],
      [2, 8 * n, 8 * n],
    ],
    tolerance: 1e-4,
    compiledTolerance: 5e-5,
    fn: (...[qkv, s, b]: tf.Tensor[]) => {
      const mask = fixed([3, 1, 8 * n, 8 * n], [-3, 0], 7) as tf.Tensor4D;
      return ops.cosineAttention(qkv as tf.Tensor3D, s, b as tf.Tensor3D, mask);
    },
  })),
  ...[1, 33].map((n) => ({
    name: `attention with dropout, ${n} times`,
    shapes: [
      [2, 2, 4 * n, 4],
      [2, 2, 4 * n + 1, 4],
      [2, 2, 4 * n + 1, 4],
    ],
    fn: (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => {
      const drop = { rate: 0.2, seed: tf.tensor1d([3, 4], "int32") };
      return ops.attention(as4(q), as4(k), as4(v), 0.5, drop);
    },
  })),
  {
    name: "layerNorm",
    shapes: [[2, 3, 6], [6], [6]],
    fn: (x, g, b) => ops.layerNorm(x, g, b, 1e-6),
    tolerance: 1e-4,
  },
  {
    name: "linear",
    shapes: [[2, 3, 4], [5, 4], [5]],
    fn: (x, w, b) => ops.linear(x, w as tf.Tensor2D, b as tf.Tensor1D),
  },
  {
    name: "conv2d, explicit padding and stride",
    shapes: [image, [3, 3, 4, 6]],
    fn: (x, w) => ops.conv2d(as4(x), as4(w), 2, 1),
    tolerance: 1e-4,
  },
  {
    name: "conv2d in 2 groups",
    shapes: [image, [3, 3, 2, 6]],
    fn: (x, w) => ops.conv2d(as4(x), as4(w), 1, 1),
    tolerance: 1e-4,
  },
  {
    name: "conv2d 4×4 stride 4",
    shapes: [image, [4, 4, 4, 6]],
    fn: (x, w) => ops.conv2d(as4(x), as4(w), 4, 0),
    tolerance: 1e-4,
  },
  {
    name: "depthwiseConv2d",
    shapes: [image, [7, 7, 4, 1]],
    fn: (x, w) => ops.depthwiseConv2d(as4(x), as4(w), 1, 3),
    tolerance: 1e-4,
  },
  {
    name: "depthwiseConv2d stride 2",
    shapes: [image, [3, 3, 4, 1]],
    fn: (x, w) => ops.depthwiseConv2d(as4(x), as4(w), 2, 1),
  },
  {
    name: "depthwiseConv2d stride 3 of an odd image",
    shapes: [
      [2, 11, 9, 4],
      [3, 3, 4, 1],
    ],
    fn: (x, w) => ops.depthwiseConv2d(as4(x), as4(w), 3, 0),
  },
  {
    name: "depthwiseConv2d 5×5 stride 2",
    shapes: [
      [2, 11, 9, 4],
      [5, 5, 4, 1],
    ],
    fn: (x, w) => ops.depthwiseConv2d(as4(x), as4(w), 2, 0),
    tolerance: 1e-4,
  },
  {
    name: "depthwiseConv2d 5×5",
    shapes: [image, [5, 5, 4, 1]],
    fn: (x, w) => ops.depthwiseConv2d(as4(x), as4(w), 1, 2),
    tolerance: 1e-4,
  },
  {
    name: "attention",
    shapes: [
      [2, 2, 5, 4],
      [2, 2, 6, 4],
      [2, 2, 6, 4],
    ],
    fn: (q, k, v) => ops.attention(as4(q), as4(k), as4(v), 0.5),
  },
  {
    name: "softmaxCrossEntropy with smoothing",
    shapes: [[4, 5]],
    fn: (x) =>
      ops.softmaxCrossEntropy(x as tf.Tensor2D, tf.softmax(fixed([4, 5]) as tf.Tensor2D), {
        labelSmoothing: 0.1,
      }),
  },
  {
    name: "softmaxCrossEntropy with weights",
    shapes: [[4, 5]],
    fn: (x) =>
      ops.softmaxCrossEntropy(x as tf.Tensor2D, tf.softmax(fixed([4, 5]) as tf.Tensor2D), {
        weights: tf.tensor1d([1, 2, 0.5, 1, 3]),
      }),
  },
  { name: "roll", shapes: [[3, 4, 5]], fn: (x) => ops.roll(x, [-1, 7], [0, 2]) },
  { name: "lgamma", shapes: [[4, 8]], range: [0.05, 20], fn: ops.lgamma, tolerance: 1e-4 },
  { name: "digamma", shapes: [[4, 8]], range: [0.2, 20], fn: ops.digamma, tolerance: 1e-4 },
  {
    name: "projectiveTransform",
    shapes: [image],
    gradient: false,
    fn: (x) =>
      ops.projectiveTransform(
        as4(x),
        tf.tensor2d([
          [0.9, 0.2, 0.3, -0.2, 0.9, 1.1, 0, 0],
          [1.1, 0, -2, 0, 1.2, 0.5, 0.01, 0],
        ]),
        { fillMode: "reflect" },
      ),
    tolerance: 1e-4,
  },
  {
    name: "projectiveTransform far beyond the border",
    shapes: [[2, 36, 39, 3]],
    gradient: false,
    fn: (x) =>
      ops.projectiveTransform(
        as4(x),
        tf.tensor2d([
          [-0.8, 0.6, 70.3, 0.6, 0.8, -95.1, 0, 0],
          [0, 1, 0, -1, 0, 38, 0, 0],
        ]),
        { fillMode: "reflect", outputShape: [107, 105] },
      ),
    // A coordinate of 100 pixels is known to 1e-5 pixels in float32.
    tolerance: 1e-4,
    compiledTolerance: 5e-5,
  },
  {
    name: "projectiveTransform of one column",
    shapes: [[256, 128, 1, 2]],
    gradient: false,
    fn: (x) =>
      ops.projectiveTransform(as4(x), tf.tensor2d([[1, 0, 0.4, 0, 1, 2.3]]), {
        fillMode: "reflect",
      }),
  },
  {
    name: "dropout",
    shapes: [[6, 7]],
    fn: (x) => ops.dropout(x, { rate: 0.4, seed: tf.tensor1d([5, -6], "int32") }),
  },
  {
    name: "dropout, large",
    shapes: [[256, 257]],
    fn: (x) => ops.dropout(x, { rate: 0.1, seed: tf.tensor1d([-7, 2 ** 31 - 1], "int32") }),
  },
  {
    name: "statelessUniform",
    shapes: [],
    gradient: false,
    fn: () => ops.statelessUniform([3, 7], tf.tensor1d([-3, 12345], "int32"), -1, 3),
  },
  {
    name: "statelessNormal",
    shapes: [],
    gradient: false,
    fn: () => ops.statelessNormal([3, 7], tf.tensor1d([1, 2], "int32")),
  },
  {
    name: "matMul",
    shapes: [
      [2, 3, 4],
      [2, 4, 5],
    ],
    fn: (a, b) => tf.matMul(a, b),
  },
  { name: "softmax", shapes: [[3, 5]], fn: (x) => tf.softmax(x) },
  { name: "logSoftmax", shapes: [[3, 5]], fn: (x) => tf.logSoftmax(x) },
  { name: "relu and relu6", shapes: [[3, 5]], fn: (x) => tf.add(tf.relu(x), tf.relu6(x)) },
  { name: "sigmoid, tanh", shapes: [[3, 5]], fn: (x) => tf.mul(tf.sigmoid(x), tf.tanh(x)) },
  { name: "silu", shapes: [[3, 5]], fn: (x) => ops.silu(x) },
  { name: "exp, log, sqrt", shapes: [[9]], range: [0.5, 3], fn: (x) => tf.exp(tf.log(tf.sqrt(x))) },
  { name: "mean over axes", shapes: [image], fn: (x) => tf.mean(x, [1, 2]) },
  { name: "mean of all", shapes: [image], fn: (x) => tf.mean(x) },
  { name: "sum over the last axis, kept", shapes: [image], fn: (x) => tf.sum(x, -1, true) },
  { name: "max over an axis", shapes: [[4, 5]], fn: (x) => tf.max(x, 1) },
  { name: "reshape, transpose", shapes: [image], fn: (x) => tf.transpose(x, [0, 3, 1, 2]) },
  {
    name: "concat",
    shapes: [
      [2, 3],
      [2, 4],
    ],
    fn: (a, b) => tf.concat([a, b], 1),
  },
  {
    name: "split",
    shapes: [[2, 6]],
    fn: (x) => tf.mul(...(tf.split(x, 2, 1) as [tf.Tensor, tf.Tensor])),
  },
  { name: "slice", shapes: [[4, 5]], fn: (x) => tf.slice(x, [1, 2], [2, 2]) },
  { name: "stack, unstack", shapes: [[3, 4]], fn: (x) => tf.stack(tf.unstack(x, 1).reverse()) },
  { name: "tile", shapes: [[1, 4]], fn: (x) => tf.tile(x, [3, 2]) },
  { name: "tile along one axis", shapes: [[2, 1, 3]], fn: (x) => tf.tile(x, [1, 4, 1]) },
  {
    name: "pad",
    shapes: [[2, 3]],
    fn: (x) =>
      tf.pad(x, [
        [1, 0],
        [2, 1],
      ]),
  },
  { name: "maxPool", shapes: [image], fn: (x) => tf.maxPool(as4(x), 3, 2, "same") },
  { name: "avgPool", shapes: [image], fn: (x) => tf.avgPool(as4(x), 2, 2, "valid") },
  { name: "resizeBilinear", shapes: [image], fn: (x) => tf.image.resizeBilinear(as4(x), [5, 6]) },
  {
    name: "where",
    shapes: [
      [4, 4],
      [4, 4],
    ],
    fn: (a, b) =>
      tf.where(tf.cast(tf.cast(fixed([4, 4], [0, 2]), "int32"), "bool"), a, tf.mul(b, 2)),
  },
  { name: "oneHot", shapes: [[3, 5]], gradient: false, fn: (x) => tf.oneHot(tf.argMax(x, 1), 5) },
  { name: "gather", shapes: [[6, 3]], fn: (x) => tf.gather(x, tf.tensor1d([5, 0, 0, 2], "int32")) },
  {
    name: "gather by computed indices",
    shapes: [[4, 4]],
    gradient: false,
    fn: (x) => tf.gather(x, tf.argMax(x, 1)),
  },
  { name: "norm, clip", shapes: [[9]], fn: (x) => tf.div(tf.clipByValue(x, -1, 1), tf.norm(x)) },
  { name: "pow, abs, sign", shapes: [[9]], range: [0.5, 2], fn: (x) => tf.pow(tf.abs(x), 2.5) },
  { name: "cumsum", shapes: [[3, 4]], fn: (x) => tf.cumsum(x, 1) },
  { name: "moments", shapes: [[3, 4]], fn: (x) => tf.sqrt(tf.moments(x, 1).variance) },
  { name: "topk", shapes: [[3, 6]], gradient: false, fn: (x) => tf.topk(x, 2).values },
  { name: "zero-size", shapes: [[0, 3]], fn: (x) => tf.mul(x, 2) },
];

/** Reproducible values that look random. */
export function fixed(shape: readonly number[], range = [-2, 2], salt = 0): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length: size }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 + salt * 78.233) * 43758.5453;
    return range[0] + (x - Math.floor(x)) * (range[1] - range[0]);
  });
  return tf.tensor(values, [...shape]);
}

/** The op's value and, after it, the gradient of its weighted sum by each input. */
export function valueAndGradients(test: Case): (...inputs: tf.Tensor[]) => tf.Tensor[] {
  return (...inputs) => {
    const value = test.fn(...inputs);
    if (test.gradient === false) return [value];
    const weights = fixed(value.shape, [-1, 1], 99);
    const total = (...xs: tf.Tensor[]) => tf.sum(tf.mul(test.fn(...xs), weights)) as tf.Scalar;
    return [value, ...tf.grads(total)(inputs)];
  };
}

export function inputsOf(test: Case): tf.Tensor[] {
  return test.shapes.map((shape, i) => fixed(shape, test.range as number[] | undefined, i));
}
