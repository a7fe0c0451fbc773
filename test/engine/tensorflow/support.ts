import type * as tf from "@tensorflow/tfjs-core";
import { DT } from "#lib/engine/native";
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
