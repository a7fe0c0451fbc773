import type { Attribute, OutputType } from "../native";

/** An operand as far as it is known without computing it. */
export interface Operand extends OutputType {
  /** Values of a small integer constant. */
  readonly values?: ArrayLike<number>;
}

type Shape = readonly number[];

/** The shapes of an op's outputs; nothing where only running it tells. */
export type ShapeRule = (inputs: readonly Operand[], attributes: Attributes) => Shape[] | undefined;

/** An op's attributes by name. */
export class Attributes {
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

/** As the first operand. */
export const first: ShapeRule = ([x]) => [x.shape];

/** One number. */
export const scalar: ShapeRule = () => [[]];

/** As long as the longer of the operands in each dimension. */
export const broadcast: ShapeRule = (inputs) => [inputs.map(({ shape }) => shape).reduce(joined)];

function joined(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    return x === 1 ? y : x;
  });
}

/** Rows of the first by columns of the second matrix. */
export const matMul: ShapeRule = ([a, b], attributes) => [
  [
    a.shape[attributes.flag("transpose_a") ? 1 : 0],
    b.shape[attributes.flag("transpose_b") ? 0 : 1],
  ],
];

/** A product for each matrix of a batch. */
export const batchMatMul: ShapeRule = ([a, b], attributes) => {
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

/** Positions of the filter, by channels. */
export const convolution =
  (channels: (filter: Shape) => number): ShapeRule =>
  ([x, filter], attributes) => {
    const size = slide(x.shape, filter.shape, attributes);
    return size && [[x.shape[0], ...size, channels(filter.shape)]];
  };

/** Positions of the window. */
export const pool: ShapeRule = ([x], attributes) => {
  const size = slide(x.shape, attributes.numbers("ksize").slice(1, 3), attributes);
  return size && [[x.shape[0], ...size, x.shape[3]]];
};

/** The shape stands in a constant operand. */
export const shapeIn =
  (operand: number): ShapeRule =>
  (inputs) => {
    const { values } = inputs[operand];
    return values && [Array.from(values)];
  };

/** As the second operand says, with one length left open. */
export const reshape: ShapeRule = ([x, to]) => {
  if (to.values === undefined) return undefined;
  const shape = Array.from(to.values);
  const known = shape.reduce((a, b) => (b < 0 ? a : a * b), 1);
  const size = x.shape.reduce((a, b) => a * b, 1);
  return [shape.map((length) => (length < 0 ? size / known : length))];
};

/** In the order of the second operand. */
export const transpose: ShapeRule = ([x, order]) =>
  order.values && [Array.from(order.values, (axis) => x.shape[axis])];

/** The last operand is the axis. */
export const concat: ShapeRule = (inputs) => {
  const axis = inputs[inputs.length - 1].values?.[0];
  if (axis === undefined) return undefined;
  const parts = inputs.slice(0, -1).map(({ shape }) => shape);
  const at = axis < 0 ? axis + parts[0].length : axis;
  const total = parts.reduce((sum, shape) => sum + shape[at], 0);
  return [parts[0].map((length, i) => (i === at ? total : length))];
};

/** Without the axes of the second operand. */
export const reduce: ShapeRule = ([x, axes], attributes) => {
  if (axes.values === undefined) return undefined;
  const gone = new Set(
    Array.from(axes.values, (axis) => (axis < 0 ? axis + x.shape.length : axis)),
  );
  if (attributes.flag("keep_dims")) return [x.shape.map((length, i) => (gone.has(i) ? 1 : length))];
  return [x.shape.filter((_, i) => !gone.has(i))];
};

/** Each length as often as the second operand says. */
export const tile: ShapeRule = ([x, times]) => {
  const { values } = times;
  return values && [x.shape.map((length, i) => length * values[i])];
};

/** The second operand has the paddings before and after. */
export const pad: ShapeRule = ([x, by]) => {
  const { values } = by;
  return values && [x.shape.map((length, i) => length + values[2 * i] + values[2 * i + 1])];
};

/** A dimension more. */
export const pack: ShapeRule = (inputs, attributes) => {
  const axis = Number(attributes.get("axis") ?? 0);
  const { shape } = inputs[0];
  const at = axis < 0 ? axis + shape.length + 1 : axis;
  return [[...shape.slice(0, at), inputs.length, ...shape.slice(at)]];
};

/** A dimension less, once for each of its elements. */
export const unpack: ShapeRule = ([x], attributes) => {
  const axis = Number(attributes.get("axis") ?? 0);
  const at = axis < 0 ? axis + x.shape.length : axis;
  const shape = x.shape.filter((_, i) => i !== at);
  return Array.from({ length: x.shape[at] }, () => shape);
};

/** The image, four vectors of statistics, and nothing on a CPU. */
export const batchNorm: ShapeRule = ([x, scale]) => [x.shape, ...Array(4).fill(scale.shape), [0]];
/** The gradients by image, scale and offset, and nothing twice. */
export const batchNormGrad: ShapeRule = ([, x, scale]) => [
  x.shape,
  scale.shape,
  scale.shape,
  [],
  [],
];

/** As long as the third operand says. */
export const slice: ShapeRule = ([, , size]) =>
  size.values && !Array.from(size.values).includes(-1) ? [Array.from(size.values)] : undefined;

/** As long as the second operand says along the axis of the third. */
export const splitSizes: ShapeRule = ([x, sizes, { values: axes }]) => {
  const lengths = Array.from(sizes.values ?? [-1]);
  if (axes === undefined || lengths.includes(-1)) return undefined;
  const axis = axes[0] < 0 ? axes[0] + x.shape.length : axes[0];
  return lengths.map((length) => x.shape.map((whole, i) => (i === axis ? length : whole)));
};
