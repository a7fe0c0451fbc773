import type * as tf from "@tensorflow/tfjs-core";
import type { TensorFunction } from "../compile";
import type { Precision } from "../start";
import { withTracer } from "../trace";
import { nativeBackend } from "./binding";
import type { Trace } from "./function-trace";
import type { GraphNode } from "./graph";
import { ownOps } from "./own-ops";
import { coresOfPart } from "./processor";
import { TracingError } from "./trace-guard";
import { GraphTracer } from "./tracer";

/** The name of the function that is being traced, if any. */
let active: string | undefined;

/**
 * Run `fn` once on symbolic tensors for its inputs and variables and note every op that it executes.
 *
 * Nothing outside changes: variables have the values they had before.
 *
 * @param handles The variables that `fn` may use, each with its `VarHandleOp`.
 * @param options.infer Compute nothing of which the shape is known; default true.
 * @param options.precision What the graph is computed in, for ops that are others then; default `float32`.
 * @param options.parts How many ops of the graph run side by side, each with its share of the cores; default 1.
 * @param options.portable Leave out the ops that only this machine's kind of TensorFlow has.
 * @throws UserError when the function does what a graph cannot: read a tensor's values, draw random
 * numbers outside the stateless ops, make variables, run another compiled function.
 */
export function traceFunction(
  name: string,
  fn: TensorFunction,
  inputs: readonly tf.Tensor[],
  handles: ReadonlyMap<tf.Variable, GraphNode>,
  options: {
    readonly infer?: boolean;
    readonly portable?: boolean;
    readonly precision?: Precision;
    readonly parts?: number;
  } = {},
): Trace {
  if (active !== undefined) {
    throw new TracingError(
      active,
      `calls "${name}", which is compiled too`,
      "call that one outside",
    );
  }
  const { infer = true, portable = false, precision = "float32", parts = 1 } = options;
  // Kernels cannot be tried while a function is traced.
  const own = new Map(
    (portable ? [] : ownOps(precision)).map((op) => [op, coresOfPart(parts)] as const),
  );
  const tracer = new GraphTracer(name, nativeBackend(), handles, infer, portable, precision, own);
  active = name;
  try {
    return withTracer(tracer, () => tracer.run(fn, inputs));
  } finally {
    active = undefined;
  }
}
