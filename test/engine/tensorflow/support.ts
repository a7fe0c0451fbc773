import * as tf from "@tensorflow/tfjs-core";
import { compile, type TensorFunction } from "#lib/engine/compile";
import { DT } from "#lib/engine/native";
import type { Precision } from "#lib/engine/start";
import { type GraphNode, makeNode } from "#lib/engine/tensorflow/graph";

/** A handle for each variable, as a trace of a function wants them. */
export function handlesOf(variables: readonly tf.Variable[]): ReadonlyMap<tf.Variable, GraphNode> {
  return new Map(
    variables.map((variable, i) => {
      const outputs = [{ shape: variable.shape, dtype: DT.float32 }];
      return [variable, makeNode(`v${i}`, "VarHandleOp", { outputs })];
    }),
  );
}

/**
 * What a function that is compiled gives, with passes off.
 *
 * @param off Names of passes, with commas between. Default none.
 */
export function numbersOf(
  fn: TensorFunction,
  inputs: readonly tf.Tensor[],
  precision: Precision,
  off = "",
): Float32Array {
  process.env.TUNING_FORK_DISABLE_PASSES = off;
  const compiled = compile({ fn }, { variables: [], precision });
  try {
    return tf.tidy(() => (compiled.call.fn(...inputs) as tf.Tensor).dataSync<"float32">());
  } finally {
    compiled.dispose();
    delete process.env.TUNING_FORK_DISABLE_PASSES;
  }
}

/** The root mean square of the differences, as a share of that of the numbers. */
export function shareOff(got: Float32Array, expected: Float32Array): number {
  const square = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(square(got.map((value, i) => value - expected[i])) / square(expected));
}
