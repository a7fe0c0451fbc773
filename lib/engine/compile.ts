import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { nativeEngine } from "./native";
import type { Precision } from "./start";

/** A function of tensors that can be traced: the same ops in every call. */
export type TensorFunction = (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

/** Functions that share one graph and its variables. */
export interface Compiled<F extends Record<string, TensorFunction>> {
  /**
   * The functions, with the signatures they had. The first call for a new set of shapes and element
   * types traces; every call runs the graph. The tensors returned are the caller's to dispose.
   */
  readonly call: { readonly [K in keyof F]: (...inputs: Parameters<F[K]>) => ReturnType<F[K]> };
  /**
   * Trace functions ahead of their first calls, for inputs of these shapes and element types; nothing is
   * computed. What is traced before the first call shares its graph: each function that comes later
   * makes the graph, and all that TensorFlow does to it, anew.
   */
  readonly trace: { readonly [K in keyof F]: (...inputs: Parameters<F[K]>) => void };
  /** Bring the variables' values from the graph to the `tf.Variable`s (to save or to look). */
  pull(): void;
  /** Free the graph. The `tf.Variable`s stay, with the values of the last `pull`. */
  dispose(): void;
}

/** What {@link compile} must know beside the functions. */
export interface CompileOptions {
  /** All variables that the functions read or assign: weights, statistics, optimizer state. */
  readonly variables: readonly tf.Variable[];
  /** Number format of the heavy ops; weights and their updates stay float32. */
  readonly precision?: Precision;
  /**
   * How many parts of a batch are computed side by side: what the functions give to `inParts`. The graph
   * then has as many threads between its ops, and the cores are shared out among these. Default 1: all cores
   * work on one op after another.
   */
  readonly parts?: number;
  /**
   * Whether kernels may keep a copy of the variables' values in the order that suits them best. Calls get
   * faster; an assignment to a variable costs a new session. Functions that change variables are
   * refused. Default false.
   */
  readonly constantVariables?: boolean;
}

/**
 * Trace functions of tfjs ops into one TensorFlow graph, and run that instead.
 *
 * ```ts
 * const step = compile(
 *   {
 *     train: (images, labels, rate) => {
 *       const { value, grads } = tf.variableGrads(() => loss(model.forward(images), labels));
 *       for (const [name, gradient] of Object.entries(grads)) update(name, gradient, rate);
 *       return value;
 *     },
 *     predict: (images) => model.forward(images),
 *   },
 *   { variables: [...weights, ...optimizerState] },
 * );
 * const loss = step.call.train(images, labels, tf.scalar(1e-3));
 * ```
 *
 * From its first call on, a function that changes variables has them in the graph alone: `pull()`
 * before reading them (else that is an error). What is assigned to a variable outside is brought to
 * the graph by the next call. Where other variables are made trainable, functions are traced anew.
 *
 * Inside a function: use inputs and listed variables, `tf.variableGrads`, `variable.assign(…)`.
 * Whatever differs from call to call must be an input tensor: a number, or a tensor made outside, is
 * traced as the constant it was (large ones are refused). Each function is traced twice at its first
 * call, and refused if it did not do the same, so that a counter or a clock is found.
 *
 * Without the native engine the functions run as they are, with the same results.
 *
 * @throws UserError (on a call) when a function does what a graph cannot: reads a tensor's values,
 * draws random numbers on the host, makes a variable, uses one that is not listed, differs from call to
 * call.
 */
export function compile<F extends Record<string, TensorFunction>>(
  functions: F,
  options: CompileOptions,
): Compiled<F> {
  const engine = nativeEngine();
  if (engine !== undefined) return engine.compile(functions, options);
  const { precision = "float32" } = options;
  if (precision !== "float32") {
    throw new UserError(
      `the precision ${precision} needs the native engine; this one has float32 only`,
      "choose float32, or set up the native engine with `npx tuning-fork setup`",
    );
  }
  const trace = Object.fromEntries(Object.keys(functions).map((name) => [name, () => {}]));
  return {
    ...{ call: eager(functions), trace: trace as Compiled<F>["trace"] },
    ...{ pull() {}, dispose() {} },
  };
}

function eager<F extends Record<string, TensorFunction>>(functions: F): Compiled<F>["call"] {
  const call = Object.entries(functions).map(([name, fn]) => [
    name,
    (...inputs: tf.Tensor[]) => tf.tidy(() => fn(...inputs)),
  ]);
  return Object.fromEntries(call) as Compiled<F>["call"];
}
