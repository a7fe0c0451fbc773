import type * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import type { TensorFunction } from "./compile";
import { nativeEngine } from "./native";
import type { Precision } from "./start";

/** A named input of an exported function. */
export interface ExportedInput {
  /** Its key in the signature. */
  readonly name: string;
  /** Fixed, the batch's length too. */
  readonly shape: readonly number[];
  /** Element type; default `float32`. */
  readonly dtype?: "float32" | "int32" | "bool";
}

/** What a SavedModel's signature says, and what is in it. */
export interface ExportOptions {
  /** One for each argument of the function, in their order. */
  readonly inputs: readonly ExportedInput[];
  /** One name per result of the function. */
  readonly outputs: readonly string[];
  /** Variables that the function reads; their present values become constants. */
  readonly variables: readonly tf.Variable[];
  /** Number format of the heavy ops; default `float32`. */
  readonly precision?: Precision;
}

/**
 * Write a function as a TensorFlow SavedModel, which Python, C++ and TensorFlow Serving open.
 *
 * The signature is `serving_default`; shapes are fixed, the batch's too. Weights are constants of the
 * graph, so that the folder is one file and has no checkpoint.
 *
 * @param folder Made if it is not there; `saved_model.pb` in it is replaced.
 * @throws UserError without the native engine, when the function changes a variable, or when the
 * weights are more than a SavedModel without a checkpoint holds (2 GiB).
 */
export function exportSavedModel(fn: TensorFunction, folder: string, options: ExportOptions): void {
  const engine = nativeEngine();
  if (engine === undefined) {
    throw new UserError(
      "a SavedModel is written by the native engine only",
      "run `npx tuning-fork setup`",
    );
  }
  engine.exportSavedModel(fn, folder, options);
}
