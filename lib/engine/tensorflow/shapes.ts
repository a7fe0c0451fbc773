import type { OutputType } from "../native";
import { type Attribute, DT } from "../native";

/** An operand as far as it is known without computing it. */
export interface Operand extends OutputType {
  /** Values of a small integer constant. */
  readonly values?: ArrayLike<number>;
}

type Shape = readonly number[];
type Rule = (inputs: readonly Operand[], attributes: Attributes) => Shape[] | undefined;

/** An op's attributes by name. */
class Attributes {
  constructor(private readonly list: readonly Attribute[]) {}
  get(name: string): unknown {
    return this.list.find((attribute) => attribute.name === name)?.value;
  }
  flag(name: string): boolean {
    return this.get(name) === true;
  }
  numbers(name: string): number[] {
    const value = this.get(name);
    return Array.isArray(value) ? (value as number[]) : [];
  }
}

/**
 * Shapes and types of an op's outputs, so that a trace need not compute it.
 *
 * @returns nothing where the op has no rule here: then it is computed.
 */
export function inferOutputs(
  op: string,
  attributes: readonly Attribute[],
  inputs: readonly Operand[],
): OutputType[] | undefined {
  const given = new Attributes(attributes);
  const dtype = typeOf(op, given, inputs);
  if (dtype === undefined) return undefined;
  return RULES[op]?.(inputs, given)?.map((shape) => ({ shape: [...shape], dtype }));
}

function typeOf(
  op: string,
  attributes: Attributes,
  inputs: readonly Operand[],
): number | undefined {
  if (op === "Cast") return Number(attributes.get("DstT"));
  if (COMPARISONS.split(" ").includes(op)) return DT.bool;
  // Integers beside numbers are shapes, axes and the like.
  if (inputs.some(({ dtype }) => dtype === DT.float32)) return DT.float32;
  return inputs.every(({ dtype }) => dtype === DT.int32) ? DT.int32 : undefined;
}

const COMPARISONS = "Greater GreaterEqual Less LessEqual";

const first: Rule = ([x]) => [x.shape];

const broadcast: Rule = (inputs) => [inputs.map(({ shape }) => shape).reduce(joined)];

function joined(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    return x === 1 ? y : x;
  });
}

const matMul: Rule = ([a, b], attributes) => [
  [
    a.shape[attributes.flag("transpose_a") ? 1 : 0],
    b.shape[attributes.flag("transpose_b") ? 0 : 1],
  ],
];

const batchMatMul: Rule = ([a, b], attributes) => {
  const [rows, columns] = [a.shape, b.shape].map((shape) => shape.slice(-2));
  return [
    [
      ...joined(a.shape.slice(0, -2), b.shape.slice(0, -2)),
      rows[attributes.flag("adj_x") ? 1 : 0],
      columns[attributes.flag("adj_y") ? 0 : 1],
    ],
  ];
};

/** Height and width of a window's positions. */
function slide(x: Shape, window: Shape, attributes: Attributes): [number, number] | undefined {
  const strides = attributes.numbers("strides");
  const dilations = attributes.numbers("dilations");
  const padding = attributes.get("padding");
  const explicit = attributes.numbers("explicit_paddings");
  if (attributes.get("data_format") === "NCHW" || strides.length !== 4) return undefined;
  const [height, width] = [1, 2].map((axis) => {
    const size = x[axis] + (explicit[2 * axis] ?? 0) + (explicit[2 * axis + 1] ?? 0);
    if (padding === "SAME") return Math.ceil(size / strides[axis]);
    const reach = (window[axis - 1] - 1) * (dilations[axis] ?? 1) + 1;
    return Math.floor((size - reach) / strides[axis]) + 1;
  });
  return [height, width];
}

const convolution =
  (channels: (filter: Shape) => number): Rule =>
  ([x, filter], attributes) => {
    const size = slide(x.shape, filter.shape, attributes);
    return size && [[x.shape[0], ...size, channels(filter.shape)]];
  };

const pool: Rule = ([x], attributes) => {
  const size = slide(x.shape, attributes.numbers("ksize").slice(1, 3), attributes);
  return size && [[x.shape[0], ...size, x.shape[3]]];
};

/** The shape stands in a constant operand. */
const shapeIn =
  (operand: number): Rule =>
  (inputs) => {
    const { values } = inputs[operand];
    return values && [Array.from(values)];
  };

const reshape: Rule = ([x, to]) => {
  if (to.values === undefined) return undefined;
  const shape = Array.from(to.values);
  const known = shape.reduce((a, b) => (b < 0 ? a : a * b), 1);
  const size = x.shape.reduce((a, b) => a * b, 1);
  return [shape.map((length) => (length < 0 ? size / known : length))];
};

const transpose: Rule = ([x, order]) =>
  order.values && [Array.from(order.values, (axis) => x.shape[axis])];

const concat: Rule = (inputs) => {
  const axis = inputs[inputs.length - 1].values?.[0];
  if (axis === undefined) return undefined;
  const parts = inputs.slice(0, -1).map(({ shape }) => shape);
  const at = axis < 0 ? axis + parts[0].length : axis;
  const total = parts.reduce((sum, shape) => sum + shape[at], 0);
  return [parts[0].map((length, i) => (i === at ? total : length))];
};

const reduce: Rule = ([x, axes], attributes) => {
  if (axes.values === undefined) return undefined;
  const gone = new Set(
    Array.from(axes.values, (axis) => (axis < 0 ? axis + x.shape.length : axis)),
  );
  if (attributes.flag("keep_dims")) return [x.shape.map((length, i) => (gone.has(i) ? 1 : length))];
  return [x.shape.filter((_, i) => !gone.has(i))];
};

const tile: Rule = ([x, times]) => {
  const { values } = times;
  return values && [x.shape.map((length, i) => length * values[i])];
};

const pad: Rule = ([x, by]) => {
  const { values } = by;
  return values && [x.shape.map((length, i) => length + values[2 * i] + values[2 * i + 1])];
};

const pack: Rule = (inputs, attributes) => {
  const axis = Number(attributes.get("axis") ?? 0);
  const { shape } = inputs[0];
  const at = axis < 0 ? axis + shape.length + 1 : axis;
  return [[...shape.slice(0, at), inputs.length, ...shape.slice(at)]];
};

const unpack: Rule = ([x], attributes) => {
  const axis = Number(attributes.get("axis") ?? 0);
  const at = axis < 0 ? axis + x.shape.length : axis;
  const shape = x.shape.filter((_, i) => i !== at);
  return Array.from({ length: x.shape[at] }, () => shape);
};

/** The image, four vectors of statistics, and nothing on a CPU. */
const batchNorm: Rule = ([x, scale]) => [x.shape, ...Array(4).fill(scale.shape), [0]];
const batchNormGrad: Rule = ([, x, scale]) => [x.shape, scale.shape, scale.shape, [], []];

function each(ops: string, rule: Rule): Record<string, Rule> {
  return Object.fromEntries(ops.split(" ").map((op) => [op, rule]));
}

const RULES: Readonly<Record<string, Rule>> = {
  ...each(
    "Abs BiasAdd Cast Elu EluGrad Erf Erfc Exp Identity LeakyRelu LeakyReluGrad Log LogSoftmax Neg Relu " +
      "ReluGrad Relu6 Relu6Grad Roll Rsqrt Sigmoid SigmoidGrad Softmax Softplus Sqrt Square Tanh " +
      "TanhGrad ZerosLike OnesLike Reciprocal MaxPoolGrad",
    first,
  ),
  ...each(
    "Add AddV2 BitwiseAnd BitwiseXor Div Maximum Minimum Mul Pow RealDiv RightShift SelectV2 " +
      `SquaredDifference Sub ${COMPARISONS}`,
    broadcast,
  ),
  ...each("Sum Mean Max Min Prod", reduce),
  ...each("MaxPool AvgPool", pool),
  ...each("Conv2DBackpropInput DepthwiseConv2dNativeBackpropInput AvgPoolGrad", shapeIn(0)),
  ...each("Conv2DBackpropFilter DepthwiseConv2dNativeBackpropFilter", shapeIn(1)),
  ...each("Pad PadV2 MirrorPad", pad),
  Conv2D: convolution((filter) => filter[3]),
  DepthwiseConv2dNative: convolution((filter) => filter[2] * filter[3]),
  MatMul: matMul,
  BatchMatMulV2: batchMatMul,
  FusedBatchNormV3: batchNorm,
  FusedBatchNormGradV3: batchNormGrad,
  Reshape: reshape,
  Transpose: transpose,
  ConcatV2: concat,
  BroadcastTo: shapeIn(1),
  Tile: tile,
  Pack: pack,
  Unpack: unpack,
  Slice: ([, , size]) =>
    size.values && !Array.from(size.values).includes(-1) ? [Array.from(size.values)] : undefined,
};
