/**
 * Which ops of a traced graph may be computed in bfloat16.
 *
 * bfloat16 has float32's range and 8 bits of mantissa; no loss scaling is needed. An op that is not
 * in the table stays in float32.
 */

import { processor } from "./processor";

/** What the pass does with an op. */
export type Rule =
  /** Always in bfloat16. */
  | "allow"
  /** In the format of its largest operands. */
  | "follow";

/** How an op's element type is written, and which of its tensors have it. */
export interface TypedOp {
  readonly rule: Rule;
  /** The attribute that holds the type; default `T`. */
  readonly attribute?: string;
  /** Inputs that have this type; default: all that are float32. */
  readonly inputs?: readonly number[];
  /** Outputs that have this type; default: all that are float32. */
  readonly outputs?: readonly number[];
}

const allow: TypedOp = { rule: "allow" };
const follow: TypedOp = { rule: "follow" };

/** How an op is computed in mixed precision on this processor; nothing where it stays in float32. */
export function typedOp(op: string): TypedOp | undefined {
  // oneDNN refuses it in bfloat16 elsewhere.
  if (op === "_MklLayerNorm" && !processor().normalizesBfloat16) return undefined;
  return TABLE[op];
}

const TABLE: Readonly<Record<string, TypedOp>> = {
  // Products: nearly all of the arithmetic, and the processor's bfloat16 instructions add in float32.
  MatMul: allow,
  BatchMatMulV2: allow,
  _FusedMatMul: allow,
  Conv2D: allow,
  Conv2DBackpropInput: allow,
  Conv2DBackpropFilter: allow,
  DepthwiseConv2dNative: allow,
  DepthwiseConv2dNativeBackpropInput: allow,
  DepthwiseConv2dNativeBackpropFilter: allow,
  // Between products only memory counts: half the bytes, and one rounding more.
  BiasAdd: follow,
  Add: follow,
  AddV2: follow,
  AddN: follow,
  Sub: follow,
  Mul: follow,
  Neg: follow,
  Square: follow,
  Maximum: follow,
  Minimum: follow,
  Relu: follow,
  ReluGrad: follow,
  Relu6: follow,
  Relu6Grad: follow,
  LeakyRelu: follow,
  LeakyReluGrad: follow,
  Elu: follow,
  EluGrad: follow,
  Sigmoid: follow,
  SigmoidGrad: follow,
  Tanh: follow,
  TanhGrad: follow,
  Erf: follow,
  Erfc: follow,
  Exp: follow,
  Step: follow,
  SelectV2: follow,
  Greater: follow,
  GreaterEqual: follow,
  Less: follow,
  LessEqual: follow,
  // Nothing is computed.
  Identity: follow,
  Reshape: follow,
  ExpandDims: follow,
  Squeeze: follow,
  Transpose: follow,
  ConcatV2: follow,
  Split: follow,
  SplitV: { rule: "follow" },
  Slice: follow,
  StridedSlice: follow,
  StridedSliceGrad: follow,
  Pack: follow,
  Unpack: follow,
  Tile: follow,
  BroadcastTo: follow,
  Pad: follow,
  PadV2: follow,
  MirrorPad: follow,
  MirrorPadGrad: follow,
  ReverseV2: follow,
  Roll: follow,
  GatherV2: { rule: "follow", attribute: "Tparams" },
  ZerosLike: follow,
  OnesLike: follow,
  // A window's maximum needs no precision; its mean is of a few values.
  MaxPool: follow,
  MaxPoolGrad: follow,
  AvgPool: follow,
  AvgPoolGrad: follow,
  // Their kernels sum in float32 whatever the type of what they read and write.
  Softmax: follow,
  BiasAddGrad: follow,
  _MklLayerNorm: follow,
  // Its statistics and parameters have a type of their own, U, which stays float32.
  FusedBatchNormV3: { rule: "follow", inputs: [0], outputs: [0] },
  FusedBatchNormGradV3: { rule: "follow", inputs: [0, 1], outputs: [0] },
  // Not here, thus float32: Sum, Mean, Prod (their kernels add in the type that they are given);
  // Log, Pow, Rsqrt, Sqrt, RealDiv (statistics and losses, small tensors);
  // SoftmaxCrossEntropyWithLogits, LogSoftmax, Lgamma, Digamma (losses, differences of large
  // numbers); random numbers; image warps and resizing; whatever assigns a variable.
};
