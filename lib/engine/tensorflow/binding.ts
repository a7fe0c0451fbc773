import * as tf from "@tensorflow/tfjs-core";
import type { Attribute } from "../native";

/** What the binding tells of a tensor: its handle, its shape and TensorFlow's number of its type. */
export interface TensorMetadata {
  /** The binding's handle. */
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** The part of the native binding that this project calls. */
export interface NativeBinding {
  /** TensorFlow's version. */
  readonly TF_Version: string;
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
  /** Replaced by the tracer while a function is traced. */
  binding: NativeBinding;
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: { get(dataId: object): object };
  /** Handles of tensors; uploads those that still wait on the host. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
}

/** @throws Error where TensorFlow is not tfjs's backend. */
export function nativeBackend(): NativeBackend {
  if (tf.getBackend() !== "tensorflow") throw new Error("this needs the native engine");
  return tf.backend() as NativeBackend;
}
