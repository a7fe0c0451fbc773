import * as tf from "@tensorflow/tfjs-core";
import { type Attribute, attribute, DT, nativeOp } from "#lib/engine/native";
import { fixed } from "../cases";

/** A call of one of TensorFlow's ops, for the tests that go through the table of ops. */
export interface OpExample {
  readonly attributes: readonly Attribute[];
  /** The operands; float32 ones are what may be in bfloat16. */
  readonly inputs: () => tf.Tensor[];
  /** How many outputs it has; default 1. */
  readonly outputs?: number;
}

const float = attribute.type("T", DT.float32);
const int = attribute.type("T", DT.int32);
const index = attribute.type("Tidx", DT.int32);
const image: [number, number, number, number] = [2, 6, 6, 16];
const ints = (...values: number[]) => tf.tensor1d(values, "int32");
const matrix = (values: number[][]) => tf.tensor2d(values, undefined, "int32");

const of = (
  inputs: () => tf.Tensor[],
  attributes: readonly Attribute[] = [float],
  outputs = 1,
): OpExample => ({ inputs, attributes, outputs });

function each(ops: string, example: OpExample): Record<string, OpExample> {
  return Object.fromEntries(ops.split(" ").map((op) => [op, example]));
}

const one = of(() => [fixed([3, 4])]);
const positive = of(() => [fixed([3, 4], [0.5, 3])]);
const two = of(() => [fixed([3, 4], [0.5, 3]), fixed([4], [0.5, 3], 1)]);
const same = of(() => [fixed([3, 4]), fixed([3, 4], [-1, 1], 1)]);
const integers = of(() => [ints(5, -9, 1 << 30), ints(3, 1, 2)], [int]);
const reduction = of(
  () => [fixed([2, 3, 4], [0.5, 2]), ints(0, -1)],
  [float, index, attribute.bool("keep_dims", false)],
);

const window = [
  float,
  attribute.int("ksize", [1, 3, 3, 1]),
  attribute.int("strides", [1, 2, 2, 1]),
  attribute.string("padding", "SAME"),
  attribute.string("data_format", "NHWC"),
];
const strides = [
  float,
  attribute.int("strides", [1, 2, 2, 1]),
  attribute.int("dilations", [1, 1, 1, 1]),
  attribute.string("padding", "VALID"),
  attribute.string("data_format", "NHWC"),
];
const dense = [3, 3, 16, 32];
const depthwise = [3, 3, 16, 2];
const result = [2, 2, 2, 32];
const statistics = () => [fixed([16], [0.5, 2], 2), fixed([16], [-1, 1], 3)];
const normal = [
  float,
  attribute.type("U", DT.float32),
  attribute.float("epsilon", 1e-3),
  attribute.string("data_format", "NHWC"),
  attribute.bool("is_training", true),
];
const averaging = attribute.float("exponential_avg_factor", 1);
const paddings = [float, attribute.type("Tpaddings", DT.int32)];
const mirror = [...paddings, attribute.string("mode", "REFLECT")];
const around = () =>
  matrix([
    [1, 1],
    [2, 0],
  ]);
const sliced = [
  float,
  attribute.type("Index", DT.int32),
  ...["begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"].map((name) =>
    attribute.int(name, 0),
  ),
];

/** By the op's name. */
export const EXAMPLES: Readonly<Record<string, OpExample>> = {
  ...each(
    "Neg Abs Square Exp Erf Erfc Sigmoid Tanh Relu Relu6 LeakyRelu Elu ZerosLike OnesLike Softplus " +
      "LogSoftmax Softmax Identity IsNan Floor Round",
    one,
  ),
  ...each("Log Sqrt Rsqrt Reciprocal", positive),
  ...each(
    "Add AddV2 Sub Mul Maximum Minimum Pow RealDiv Div SquaredDifference Greater GreaterEqual Less LessEqual",
    two,
  ),
  ...each("SigmoidGrad TanhGrad ReluGrad Relu6Grad LeakyReluGrad EluGrad", same),
  ...each("BitwiseAnd BitwiseOr BitwiseXor LeftShift RightShift", integers),
  ...each("Sum Mean Prod Max Min", reduction),
  L2Loss: of(() => [fixed([3, 4])], [float]),
  AddN: of(() => [fixed([3, 4]), fixed([3, 4], [-1, 1], 1)], [float, attribute.int("N", 2)]),
  BiasAdd: of(
    () => [fixed([3, 4]), fixed([4], [-1, 1], 1)],
    [float, attribute.string("data_format", "NHWC")],
  ),
  BiasAddGrad: of(() => [fixed([3, 4])], [float, attribute.string("data_format", "NHWC")]),
  SelectV2: of(() => [tf.greater(fixed([3, 4]), 0), fixed([3, 4]), fixed([4], [-1, 1], 1)]),
  MatMul: of(
    () => [fixed([3, 4]), fixed([5, 4], [-1, 1], 1)],
    [float, attribute.bool("transpose_a", false), attribute.bool("transpose_b", true)],
  ),
  BatchMatMulV2: of(
    () => [fixed([2, 1, 4, 3]), fixed([5, 4, 6], [-1, 1], 1)],
    [float, attribute.bool("adj_x", true), attribute.bool("adj_y", false)],
  ),
  Conv2D: of(() => [fixed(image), fixed(dense, [-1, 1], 1)], strides),
  Conv2DBackpropInput: of(
    () => [ints(...image), fixed(dense, [-1, 1], 1), fixed(result, [-1, 1], 2)],
    strides,
  ),
  Conv2DBackpropFilter: of(
    () => [fixed(image), ints(...dense), fixed(result, [-1, 1], 2)],
    strides,
  ),
  DepthwiseConv2dNative: of(() => [fixed(image), fixed(depthwise, [-1, 1], 1)], strides),
  DepthwiseConv2dNativeBackpropInput: of(
    () => [ints(...image), fixed(depthwise, [-1, 1], 1), fixed(result, [-1, 1], 2)],
    strides,
  ),
  DepthwiseConv2dNativeBackpropFilter: of(
    () => [fixed(image), ints(...depthwise), fixed(result, [-1, 1], 2)],
    strides,
  ),
  FusedBatchNormV3: of(
    () => [fixed(image), ...statistics(), tf.zeros([16]), tf.ones([16])],
    [...normal, averaging],
    6,
  ),
  FusedBatchNormGradV3: of(
    () => {
      const [scale, offset] = statistics();
      const inputs = [fixed(image), scale, offset, tf.zeros([16]), tf.ones([16])];
      const saved = nativeOp("FusedBatchNormV3", [...normal, averaging], inputs, 6).slice(3);
      return [fixed(image, [-1, 1], 1), fixed(image), scale, ...saved];
    },
    normal,
    5,
  ),
  MaxPool: of(() => [fixed(image)], window),
  AvgPool: of(() => [fixed(image)], window),
  MaxPoolGrad: of(() => {
    // Whole numbers, different in each window: rounding makes no two the same.
    const values = Float32Array.from({ length: 1152 }, (_, i) => (((i >> 4) % 36) * 7) % 36);
    const x: tf.Tensor4D = tf.tensor(values, image);
    return [x, tf.maxPool(x, 3, 2, "same"), fixed([2, 3, 3, 16], [-1, 1], 2)];
  }, window),
  AvgPoolGrad: of(() => [ints(...image), fixed([2, 3, 3, 16], [-1, 1], 2)], window),
  Reshape: of(() => [fixed([3, 4]), ints(2, -1)], [float, attribute.type("Tshape", DT.int32)]),
  ExpandDims: of(
    () => [fixed([3, 4]), tf.scalar(1, "int32")],
    [float, attribute.type("Tdim", DT.int32)],
  ),
  Squeeze: of(() => [fixed([3, 1, 4])], [float, attribute.int("squeeze_dims", [1])]),
  Transpose: of(() => [fixed([3, 4]), ints(1, 0)], [float, attribute.type("Tperm", DT.int32)]),
  ConcatV2: of(
    () => [fixed([3, 4]), fixed([3, 2], [-1, 1], 1), tf.scalar(-1, "int32")],
    [float, index, attribute.int("N", 2)],
  ),
  Split: of(
    () => [tf.scalar(1, "int32"), fixed([3, 4])],
    [float, attribute.int("num_split", 2)],
    2,
  ),
  SplitV: of(
    () => [fixed([3, 4]), ints(1, 3), tf.scalar(1, "int32")],
    [float, attribute.type("Tlen", DT.int32), attribute.int("num_split", 2)],
    2,
  ),
  Slice: of(
    () => [fixed([3, 4]), ints(1, 0), ints(2, 3)],
    [float, attribute.type("Index", DT.int32)],
  ),
  StridedSlice: of(() => [fixed([3, 4]), ints(0, 0), ints(3, 4), ints(2, 1)], sliced),
  StridedSliceGrad: of(
    () => [ints(3, 4), ints(0, 0), ints(3, 4), ints(2, 1), fixed([2, 4])],
    sliced,
  ),
  Pack: of(
    () => [fixed([3, 4]), fixed([3, 4], [-1, 1], 1)],
    [float, attribute.int("N", 2), attribute.int("axis", -1)],
  ),
  Unpack: of(() => [fixed([3, 4])], [float, attribute.int("num", 3), attribute.int("axis", 0)], 3),
  Tile: of(() => [fixed([3, 4]), ints(2, 1)], [float, attribute.type("Tmultiples", DT.int32)]),
  BroadcastTo: of(() => [fixed([3, 1]), ints(2, 3, 4)], [float, index]),
  Pad: of(() => [fixed([3, 4]), around()], paddings),
  PadV2: of(() => [fixed([3, 4]), around(), tf.scalar(7)], paddings),
  MirrorPad: of(() => [fixed([3, 4]), around()], mirror),
  MirrorPadGrad: of(() => [fixed([5, 6]), around()], mirror),
  ReverseV2: of(() => [fixed([3, 4]), ints(1)], [float, index]),
  Roll: of(
    () => [fixed([3, 4]), ints(1), ints(1)],
    [float, attribute.type("Tshift", DT.int32), attribute.type("Taxis", DT.int32)],
  ),
  GatherV2: of(
    () => [fixed([3, 4]), ints(2, 0), tf.scalar(0, "int32")],
    [
      attribute.type("Tparams", DT.float32),
      attribute.type("Tindices", DT.int32),
      attribute.type("Taxis", DT.int32),
      attribute.int("batch_dims", 0),
    ],
  ),
  Cast: of(
    () => [fixed([3, 4])],
    [attribute.type("SrcT", DT.float32), attribute.type("DstT", DT.int32)],
  ),
  Bitcast: of(() => [fixed([3, 4])], [float, attribute.type("type", DT.int32)]),
  Range: of(() => [2, 11, 3].map((value) => tf.scalar(value, "int32")), [index]),
};
