import * as tf from "@tensorflow/tfjs-core";

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

export type AttributeValue = boolean | number | string | readonly number[] | readonly boolean[];

/** One attribute of a TensorFlow op; the form that the native binding takes. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: AttributeValue;
}

/** What the binding tells of a tensor: its handle, its shape and TensorFlow's number of its type. */
export interface TensorMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** The part of the native binding that this project calls. */
export interface NativeBinding {
  executeOp(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorMetadata[];
  createTensor(shape: number[], dtype: number, values: tf.BackendValues): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): tf.TypedArray;
  loadSavedModel(folder: string, tags: string): number;
  runSavedModel(
    session: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): TensorMetadata[];
  deleteSavedModel(session: number): void;
  getNumOfTensors(): number;
}

/** The part of tfjs-node's backend that this project calls. */
export interface NativeBackend extends tf.KernelBackend {
  binding: NativeBinding;
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: { get(dataId: object): object };
  /** Handles of tensors; uploads those that still wait on the host. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
}

/** @returns the TensorFlow backend where that is the engine, else nothing (WASM, a browser). */
export function nativeBackend(): NativeBackend | undefined {
  return tf.getBackend() === "tensorflow" ? (tf.backend() as NativeBackend) : undefined;
}

/** @returns whether TensorFlow runs with Intel's oneDNN, which has ops of its own. */
export function hasOneDnn(): boolean {
  const backend = nativeBackend();
  return (
    backend !== undefined &&
    !backend.isUsingGpuDevice &&
    process.arch === "x64" &&
    process.env.TF_ENABLE_ONEDNN_OPTS !== "0"
  );
}

/** @returns TensorFlow's number of a tfjs element type. */
export function dtypeNumber(dtype: tf.DataType): number {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool" || dtype === "string") {
    return DT[dtype];
  }
  throw new Error(`element type ${dtype} has no place in this engine`);
}

/** Attributes by kind: `attribute.type("T", DT.float32)`. */
export const attribute = {
  type: (name: string, value: number): Attribute => ({ name, type: ATTRIBUTE.type, value }),
  int: (name: string, value: number | readonly number[]): Attribute => ({
    name,
    type: ATTRIBUTE.int,
    value,
  }),
  float: (name: string, value: number): Attribute => ({ name, type: ATTRIBUTE.float, value }),
  bool: (name: string, value: boolean): Attribute => ({ name, type: ATTRIBUTE.bool, value }),
  string: (name: string, value: string): Attribute => ({ name, type: ATTRIBUTE.string, value }),
};

/**
 * Run one TensorFlow op by name on the native engine.
 *
 * The op runs at once and is recorded where a recording goes on. Nothing is differentiated: wrap the
 * call in `tf.customGrad`.
 *
 * @param op TensorFlow's name of the op, e.g. `"Roll"`.
 * @param attributes All attributes that TensorFlow cannot infer; types (`T`) too, since a recorded
 * graph needs them.
 * @param outputs How many tensors the op gives.
 * @throws Error when the engine is not the native one, or TensorFlow refuses.
 */
export function nativeOp(
  op: string,
  attributes: readonly Attribute[],
  inputs: readonly tf.Tensor[],
  outputs = 1,
): tf.Tensor[] {
  const backend = nativeBackend();
  if (backend === undefined) throw new Error(`${op} needs the native engine`);
  return backend.binding
    .executeOp(op, attributes, backend.getInputTensorIds(inputs), outputs)
    .map((metadata) => backend.createOutputTensor(metadata));
}
