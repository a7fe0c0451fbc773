import * as tf from "@tensorflow/tfjs-core";
import type { Attribute } from "../native";

/** What the binding tells of a tensor: its handle, its shape and TensorFlow's number of its type. */
export interface TensorMetadata {
  /** The binding's handle. */
  readonly id: number;
  /** Lengths of its dimensions. */
  readonly shape: number[];
  /** One of `DT`. */
  readonly dtype: number;
}

/** The part of the native binding that this project calls. */
export interface NativeBinding {
  /** TensorFlow's version. */
  readonly TF_Version: string;
  /** Run one op on tensors by handle, eagerly. */
  executeOp(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorMetadata[];
  /** A tensor with a copy of these values; its handle. */
  createTensor(shape: number[], dtype: number, values: tf.BackendValues): number;
  /** Free a tensor by its handle. */
  deleteTensor(id: number): void;
  /** A copy of a tensor's values. */
  tensorDataSync(id: number): tf.TypedArray;
  /** Open the SavedModel in a folder; the session's number. */
  loadSavedModel(folder: string, tags: string): number;
  /** Feed and fetch by names with commas between. */
  runSavedModel(
    session: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): TensorMetadata[];
  /** Close a session. */
  deleteSavedModel(session: number): void;
  /** How many tensors the binding holds, for tests. */
  getNumOfTensors(): number;
}

/** The part of tfjs-node's backend that this project calls. */
export interface NativeBackend extends tf.KernelBackend {
  /** Replaced by the tracer while a function is traced. */
  binding: NativeBinding;
  /** Whether TensorFlow found an NVIDIA GPU. */
  readonly isUsingGpuDevice: boolean;
  /** What it holds for each tensor, by tfjs's key. */
  readonly tensorMap: { get(dataId: object): object };
  /** Handles of tensors; uploads those that still wait on the host. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  /** tfjs's tensor of a handle; its shape is what the metadata says. */
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
}

/** @throws Error where TensorFlow is not tfjs's backend. */
export function nativeBackend(): NativeBackend {
  if (tf.getBackend() !== "tensorflow") throw new Error("this needs the native engine");
  return tf.backend() as NativeBackend;
}
