import * as tf from "@tensorflow/tfjs-core";
import type { Compiled, CompileOptions, TensorFunction } from "./compile";
import type { JpegArea, JpegShape } from "./decode-jpegs";
import type { ExportOptions } from "./export-function";

/** TensorFlow's numbers for the element types that this project meets. */
export const DT = {
  float32: 1,
  int32: 3,
  uint8: 4,
  string: 7,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  resource: 20,
} as const;

/** TensorFlow's numbers for the kinds of attribute an op has. */
export const ATTRIBUTE = { string: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5 } as const;

/** What an attribute of an op can be. */
export type AttributeValue =
  | boolean
  | number
  | string
  | readonly number[]
  | readonly boolean[]
  | readonly string[];

/** One attribute of a TensorFlow op; the form that the native binding takes. */
export interface Attribute {
  /** TensorFlow's name of it, such as `transpose_a`. */
  readonly name: string;
  /** Its kind, one of {@link ATTRIBUTE}. */
  readonly type: number;
  /** In the form that its kind has: a number for a type. */
  readonly value: AttributeValue;
}

/** Shape and TensorFlow type of one output of an op. */
export interface OutputType {
  /** -1 for a length that only running the op tells. */
  readonly shape: readonly number[];
  /** One of {@link DT}. */
  readonly dtype: number;
}

/** Attributes by kind: `attribute.type("T", DT.float32)`. */
export const attribute = {
  type: (name: string, value: number): Attribute => ({ name, type: ATTRIBUTE.type, value }),
  types: (name: string, value: readonly number[]): Attribute => ({
    name,
    type: ATTRIBUTE.type,
    value,
  }),
  int: (name: string, value: number | readonly number[]): Attribute => ({
    name,
    type: ATTRIBUTE.int,
    value,
  }),
  float: (name: string, value: number): Attribute => ({ name, type: ATTRIBUTE.float, value }),
  bool: (name: string, value: boolean): Attribute => ({ name, type: ATTRIBUTE.bool, value }),
  string: (name: string, value: string): Attribute => ({ name, type: ATTRIBUTE.string, value }),
  strings: (name: string, value: readonly string[]): Attribute => ({
    name,
    type: ATTRIBUTE.string,
    value,
  }),
  shape: (name: string, value: readonly number[]): Attribute => ({
    name,
    type: ATTRIBUTE.shape,
    value,
  }),
};

/** An op that has run. */
export interface OpCall {
  /** TensorFlow's name of it; tfjs's on other engines. */
  readonly op: string;
  /** Keys of its operands' values. */
  readonly inputs: readonly unknown[];
  /** Keys of its results' values. */
  readonly outputs: readonly unknown[];
  /** Whether no result holds a NaN or an infinity. */
  finite(): boolean;
}

/** What only TensorFlow's library does; `tensorflow/` implements it, and a browser has none. */
export interface NativeEngine {
  /** Whether it computes on an NVIDIA GPU. */
  readonly isUsingGpu: boolean;
  /** Whether its kernels are Intel's oneDNN, which has ops of its own; only on x86 processors. */
  readonly hasOneDnn: boolean;
  /** Whether the processor multiplies bfloat16 by itself: where not, float32 is what is computed in. */
  readonly multipliesBfloat16: boolean;
  /** Whether the gradient by a filter of so many channels is a kernel of our own in bfloat16, which is faster than a product. */
  hasFilterGradient(channelsIn: number, channelsOut: number): boolean;
  /** See `usualParts`. */
  readonly parts: number;
  /** Whether predictions gain by `constantVariables`, see `compile`. */
  readonly keepsWeights: boolean;
  /** Run one op, see {@link nativeOp}. */
  runOp(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
  /** Run `fn` and be told of each op after it ran. */
  watchOps(fn: () => void, seen: (call: OpCall) => void): void;
  /** A key of a tensor's value, as in {@link OpCall}. */
  keyOf(tensor: tf.Tensor): unknown;
  /** See `compile`. */
  compile<F extends Record<string, TensorFunction>>(
    functions: F,
    options: CompileOptions,
  ): Compiled<F>;
  /** See `exportSavedModel`. */
  exportSavedModel(fn: TensorFunction, folder: string, options: ExportOptions): void;
  /** See `decodeJpegs`. */
  decodeJpegs(
    files: readonly string[],
    shapes: readonly JpegShape[],
    areas: readonly JpegArea[],
  ): Uint8Array[] | undefined;
}

let registered: NativeEngine | undefined;

/** Have ops and `compile` use this engine wherever tfjs's backend is TensorFlow's. */
export function registerNativeEngine(engine: NativeEngine): void {
  registered = engine;
}

/** @returns the native engine where it has been started and is tfjs's backend, else nothing. */
export function nativeEngine(): NativeEngine | undefined {
  return tf.getBackend() === "tensorflow" ? registered : undefined;
}

/** @returns whether TensorFlow runs with Intel's oneDNN, which has ops of its own. */
export function hasOneDnn(): boolean {
  return nativeEngine()?.hasOneDnn === true;
}

/** @returns whether TensorFlow computes on an NVIDIA GPU. */
export function isUsingGpu(): boolean {
  return nativeEngine()?.isUsingGpu === true;
}

/** @returns whether the processor multiplies bfloat16 by itself. */
export function multipliesBfloat16(): boolean {
  return nativeEngine()?.multipliesBfloat16 === true;
}

/** @returns whether predictions gain here by `constantVariables`, see `compile`. */
export function keepsWeights(): boolean {
  return nativeEngine()?.keepsWeights === true;
}

/** @returns TensorFlow's number of a tfjs element type. */
export function dtypeNumber(dtype: tf.DataType): number {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool" || dtype === "string") {
    return DT[dtype];
  }
  throw new Error(`element type ${dtype} has no place in this engine`);
}

/**
 * Run one TensorFlow op by name on the native engine.
 *
 * The op runs at once, and goes into the trace where one is made. Nothing is differentiated: wrap the
 * call in `differentiable`.
 *
 * @param op TensorFlow's name of the op, e.g. `"Roll"`.
 * @param attributes All attributes that TensorFlow cannot infer; types (`T`) too, since a graph needs
 * them.
 * @param outputs How many tensors the op gives; default 1.
 * @throws Error when the engine is not the native one, or TensorFlow refuses.
 */
export function nativeOp(
  op: string,
  attributes: readonly Attribute[],
  inputs: readonly tf.Tensor[],
  outputs = 1,
): tf.Tensor[] {
  const engine = nativeEngine();
  if (engine === undefined) throw new Error(`${op} needs the native engine`);
  return engine.runOp(op, attributes, inputs, outputs);
}
