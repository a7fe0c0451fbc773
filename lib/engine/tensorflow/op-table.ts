import { type Attribute, DT, type OutputType } from "../native";
import { COSINE_ATTENTION, COSINE_ATTENTION_GRADIENT } from "../ops/cosine-attention";
import { LAYER_NORM, LAYER_NORM_GRADIENT } from "../ops/layer-norm";
import { byOutput, grad, type OpGradient, ofReduction, tileGradient } from "./op-gradients";
import { processor } from "./processor";
import * as shapes from "./shape-rules";
import { Attributes, type Operand, type ShapeRule } from "./shape-rules";

/**
 * How an op's element type is written, and when it is bfloat16: that has float32's range and 8 bits of
 * mantissa, so no loss scaling is needed.
 */
export interface Bfloat16Rule {
  /** Whatever its operands are in, or in the format of its largest operands. */
  readonly rule: "always" | "follow";
  /** The attribute that holds the type; default `T`. */
  readonly attribute?: string;
  /** Inputs that have this type; default: all that are float32. */
  readonly inputs?: readonly number[];
  /** Outputs that have this type; default: all that are float32. */
  readonly outputs?: readonly number[];
}

/** Everything that the engine knows of one of TensorFlow's ops. */
export interface OpDefinition {
  /** Shapes of its outputs; without, the op is run once on zeros to see them. */
  readonly shape?: ShapeRule;
  /** Type of its outputs: truth values, or what an attribute says; default that of its operands. */
  readonly result?: "bool" | "DstT";
  /** How it is computed in mixed precision; without, in float32. */
  readonly bfloat16?: Bfloat16Rule;
  /**
   * Whether bfloat16 needs oneDNN's kernel: without one TensorFlow refuses a layer norm, and gives a frozen
   * batch norm's gradient statistics that were never set.
   */
  readonly normalizes?: true;
  /** TensorFlow's name of its only output. With it the op may be part of a `fused` function. */
  readonly output?: string;
  /** Whether each element follows from the elements at its place, and position means nothing. */
  readonly elementwise?: true;
  /** Whether its result is the operand's memory in another shape. */
  readonly alias?: true;
  /** Whether computing it again costs little beside the memory that its result takes. */
  readonly cheap?: true;
  /**
   * Its gradient in a graph, by TensorFlow's own op; without, tfjs's. Those are made of up to six ops
   * each and keep the input beside the output, or multiply by ones of the input's shape, which a graph
   * would hold as constants, or slice every copy of a tile.
   */
  readonly gradient?: OpGradient;
}

const { batchMatMul, batchNorm, batchNormGrad, broadcast, concat, convolution, first } = shapes;
const { matMul, pack, pad, pool, reduce, reshape, scalar, shapeIn, slice, splitSizes } = shapes;
const { tile, transpose, unpack } = shapes;

const always: Bfloat16Rule = { rule: "always" };
const follow: Bfloat16Rule = { rule: "follow" };

/** By TensorFlow's name. What is not here is run once to see its shapes, and stays in float32. */
export const OPS: Readonly<Record<string, OpDefinition>> = {
  // Products: nearly all of the arithmetic, and the processor's bfloat16 instructions add in float32.
  MatMul: { shape: matMul, bfloat16: always },
  BatchMatMulV2: { shape: batchMatMul, bfloat16: always },
  [COSINE_ATTENTION]: { bfloat16: { rule: "always", inputs: [0], outputs: [0] } },
  [COSINE_ATTENTION_GRADIENT]: { bfloat16: { rule: "always", inputs: [0, 1], outputs: [0] } },
  _FusedMatMul: { bfloat16: always },
  Conv2D: { shape: convolution((filter) => filter[3]), bfloat16: always },
  Conv2DBackpropInput: { shape: shapeIn(0), bfloat16: always },
  Conv2DBackpropFilter: { shape: shapeIn(1), bfloat16: always },
  DepthwiseConv2dNative: {
    shape: convolution((filter) => filter[2] * filter[3]),
    bfloat16: always,
  },
  DepthwiseConv2dNativeBackpropInput: { shape: shapeIn(0), bfloat16: always },
  DepthwiseConv2dNativeBackpropFilter: { shape: shapeIn(1), bfloat16: always },
  // Element by element: between products only memory counts, half the bytes for one rounding more.
  Add: { shape: broadcast, bfloat16: follow, output: "z", elementwise: true },
  AddV2: { shape: broadcast, bfloat16: follow, output: "z", elementwise: true },
  AddN: { bfloat16: follow, output: "sum", elementwise: true },
  Sub: { shape: broadcast, bfloat16: follow, output: "z", elementwise: true },
  Mul: { shape: broadcast, bfloat16: follow, output: "z", elementwise: true },
  Maximum: { shape: broadcast, bfloat16: follow, output: "z", elementwise: true },
  Minimum: { shape: broadcast, bfloat16: follow, output: "z", elementwise: true },
  Neg: { shape: first, bfloat16: follow, output: "y", elementwise: true },
  Abs: { shape: first, output: "y", elementwise: true },
  Square: { shape: first, bfloat16: follow, output: "y", elementwise: true },
  BiasAdd: { shape: first, bfloat16: follow },
  Exp: { shape: first, bfloat16: follow, output: "y", elementwise: true },
  Erf: { shape: first, bfloat16: follow, output: "y", elementwise: true },
  Erfc: { shape: first, bfloat16: follow, output: "y", elementwise: true },
  Sigmoid: {
    shape: first,
    bfloat16: follow,
    output: "y",
    elementwise: true,
    gradient: byOutput((dy, y) => grad("SigmoidGrad", [y, dy])),
  },
  SigmoidGrad: { shape: first, bfloat16: follow, output: "z", elementwise: true },
  Tanh: {
    shape: first,
    bfloat16: follow,
    output: "y",
    elementwise: true,
    gradient: byOutput((dy, y) => grad("TanhGrad", [y, dy])),
  },
  TanhGrad: { shape: first, bfloat16: follow, output: "z", elementwise: true },
  Relu: {
    shape: first,
    bfloat16: follow,
    output: "activations",
    elementwise: true,
    gradient: byOutput((dy, y) => grad("ReluGrad", [dy, y])),
  },
  ReluGrad: { shape: first, bfloat16: follow, output: "backprops", elementwise: true },
  Relu6: {
    shape: first,
    bfloat16: follow,
    output: "activations",
    elementwise: true,
    gradient: byOutput((dy, y) => grad("Relu6Grad", [dy, y])),
  },
  Relu6Grad: { shape: first, bfloat16: follow, output: "backprops", elementwise: true },
  LeakyRelu: { shape: first, bfloat16: follow, output: "activations", elementwise: true },
  LeakyReluGrad: { shape: first, bfloat16: follow, output: "backprops", elementwise: true },
  Elu: { shape: first, bfloat16: follow, output: "activations", elementwise: true },
  EluGrad: { shape: first, bfloat16: follow, output: "backprops", elementwise: true },
  SelectV2: { shape: broadcast, bfloat16: follow, output: "output", elementwise: true },
  Greater: { shape: broadcast, result: "bool", bfloat16: follow, output: "z", elementwise: true },
  GreaterEqual: {
    shape: broadcast,
    result: "bool",
    bfloat16: follow,
    output: "z",
    elementwise: true,
  },
  Less: { shape: broadcast, result: "bool", bfloat16: follow, output: "z", elementwise: true },
  LessEqual: { shape: broadcast, result: "bool", bfloat16: follow, output: "z", elementwise: true },
  ZerosLike: { shape: first, bfloat16: follow, output: "y" },
  OnesLike: { shape: first, bfloat16: follow, output: "y" },
  // Statistics and losses: small tensors and differences of large numbers.
  Log: { shape: first, output: "y", elementwise: true },
  Pow: { shape: broadcast, output: "z", elementwise: true },
  Sqrt: { shape: first, output: "y", elementwise: true },
  Rsqrt: { shape: first, output: "y", elementwise: true },
  Reciprocal: { shape: first, output: "y", elementwise: true },
  RealDiv: { shape: broadcast, output: "z", elementwise: true },
  Div: { shape: broadcast, output: "z", elementwise: true },
  SquaredDifference: { shape: broadcast, output: "z", elementwise: true },
  Softplus: { shape: first, output: "activations", elementwise: true },
  LogSoftmax: { shape: first },
  // These add in the type that they are given.
  Sum: { shape: reduce, gradient: ofReduction(() => 1) },
  Mean: { shape: reduce, gradient: ofReduction((dy, x) => dy.size / x.size) },
  Prod: { shape: reduce },
  Max: { shape: reduce },
  Min: { shape: reduce },
  L2Loss: { shape: scalar },
  // Their kernels add in float32 whatever they read and write.
  Softmax: { shape: first, bfloat16: follow },
  BiasAddGrad: { bfloat16: follow },
  _MklLayerNorm: { bfloat16: follow, normalizes: true, cheap: true },
  [LAYER_NORM]: { bfloat16: { rule: "follow", inputs: [0], outputs: [0] }, cheap: true },
  [LAYER_NORM_GRADIENT]: { bfloat16: { rule: "follow", inputs: [0, 1], outputs: [0] } },
  FusedBatchNormV3: {
    shape: batchNorm,
    bfloat16: { rule: "follow", inputs: [0], outputs: [0] },
    normalizes: true,
  },
  FusedBatchNormGradV3: {
    shape: batchNormGrad,
    bfloat16: { rule: "follow", inputs: [0, 1], outputs: [0] },
    normalizes: true,
  },
  // A window's maximum needs no precision; its mean is of a few values.
  MaxPool: { shape: pool, bfloat16: follow },
  MaxPoolGrad: { shape: first, bfloat16: follow },
  AvgPool: { shape: pool, bfloat16: follow },
  AvgPoolGrad: { shape: shapeIn(0), bfloat16: follow },
  // Nothing is computed.
  Identity: { shape: first, bfloat16: follow, output: "output", elementwise: true, alias: true },
  Reshape: { shape: reshape, bfloat16: follow, output: "output", alias: true },
  ExpandDims: { bfloat16: follow, output: "output", alias: true },
  Squeeze: { bfloat16: follow, alias: true },
  ReadVariableOp: { alias: true },
  Transpose: { shape: transpose, bfloat16: follow },
  ConcatV2: { shape: concat, bfloat16: follow },
  Split: { bfloat16: follow },
  SplitV: { shape: splitSizes, bfloat16: follow },
  Slice: { shape: slice, bfloat16: follow },
  StridedSlice: { bfloat16: follow },
  StridedSliceGrad: { bfloat16: follow },
  Pack: { shape: pack, bfloat16: follow },
  Unpack: { shape: unpack, bfloat16: follow },
  Tile: { shape: tile, bfloat16: follow, gradient: tileGradient },
  BroadcastTo: { shape: shapeIn(1), bfloat16: follow },
  Pad: { shape: pad, bfloat16: follow },
  PadV2: { shape: pad, bfloat16: follow },
  MirrorPad: { shape: pad, bfloat16: follow },
  MirrorPadGrad: { bfloat16: follow },
  ReverseV2: { bfloat16: follow },
  Roll: { shape: first, bfloat16: follow },
  GatherV2: { bfloat16: { rule: "follow", attribute: "Tparams" }, output: "output" },
  // Integers, types and bits.
  Cast: { shape: first, result: "DstT", output: "y", elementwise: true },
  Bitcast: { output: "output" },
  Const: { output: "output" },
  Range: { output: "output" },
  IsNan: { result: "bool", output: "y" },
  Floor: { output: "y" },
  Round: { output: "y" },
  BitwiseAnd: { shape: broadcast, output: "z" },
  BitwiseOr: { output: "z" },
  BitwiseXor: { shape: broadcast, output: "z" },
  LeftShift: { output: "z" },
  RightShift: { shape: broadcast, output: "z" },
  // A kernel of XLA's.
  PartitionedCall: { cheap: true },
};

/** What is known of an op; nothing is for one that is not in the table. */
export function definitionOf(op: string): OpDefinition {
  return OPS[op] ?? {};
}

/** How an op is computed in mixed precision on this processor; nothing where it stays in float32. */
export function bfloat16RuleOf(op: string): Bfloat16Rule | undefined {
  const { bfloat16, normalizes } = definitionOf(op);
  return normalizes && !processor().normalizesBfloat16 ? undefined : bfloat16;
}

/**
 * Shapes and types of an op's outputs, so that a trace need not compute it.
 *
 * @returns nothing where the op has no rule: then it is computed.
 */
export function inferOutputs(
  op: string,
  attributes: readonly Attribute[],
  inputs: readonly Operand[],
): OutputType[] | undefined {
  const given = new Attributes(attributes);
  const { shape, result } = definitionOf(op);
  const dtype = result === undefined ? commonType(inputs) : resultType(result, given);
  if (dtype === undefined) return undefined;
  return shape?.(inputs, given)?.map((lengths) => ({ shape: [...lengths], dtype }));
}

function resultType(result: "bool" | "DstT", attributes: Attributes): number {
  return result === "bool" ? DT.bool : Number(attributes.get("DstT"));
}

/** Integers beside numbers are shapes, axes and the like. */
function commonType(inputs: readonly Operand[]): number | undefined {
  if (inputs.some(({ dtype }) => dtype === DT.float32)) return DT.float32;
  return inputs.every(({ dtype }) => dtype === DT.int32) ? DT.int32 : undefined;
}
