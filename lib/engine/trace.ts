import type * as tf from "@tensorflow/tfjs-core";
import { type Attribute, multipliesBfloat16, type OutputType } from "./native";
import type { Precision } from "./start";

/**
 * What an op can ask for beyond its arithmetic while a function is traced into a graph. Without a trace
 * each of these does the plain thing, so that an op is written once for all engines.
 */
export interface Tracer {
  /** What the graph is computed in. */
  readonly precision: Precision;
  /** See {@link tracedOp}; nothing where the graph is for other machines. */
  graphOp(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly tf.Tensor[],
    outputs: readonly OutputType[],
  ): tf.Tensor[] | undefined;
  /** See {@link coresOf}. */
  coresOf(op: string): number | undefined;
  /** See {@link tracedUpdate}. */
  update(
    op: string,
    attributes: readonly Attribute[],
    variables: readonly tf.Variable[],
    inputs: readonly tf.Tensor[],
  ): void;
  /** See {@link controlDependency}. */
  controlDependency(tensor: tf.Tensor, trigger: tf.Tensor): tf.Tensor;
  /** See {@link rematerialize}. */
  rematerialize(tensor: tf.Tensor, trigger: tf.Tensor): tf.Tensor;
  /** See {@link fused}. */
  fused<T extends tf.Tensor>(fn: () => T): T;
  /** See {@link isFusing}. */
  isFusing(elements: number): boolean;
  /** See {@link withoutAutocast}. */
  withoutAutocast<T extends tf.Tensor>(fn: () => T): T;
}

/** The trace that is being made, if any: what follows puts ops into it. */
let active: Tracer | undefined;

/** Have `fn` run with this tracer; for `tensorflow/` alone. */
export function withTracer<T>(tracer: Tracer, fn: () => T): T {
  active = tracer;
  try {
    return fn();
  } finally {
    active = undefined;
  }
}

/** Whether what is traced now is computed in bfloat16, by a processor that multiplies it. */
export function isMixed(): boolean {
  return active?.precision === "mixed_bfloat16" && multipliesBfloat16();
}

/**
 * How many cores may share an op of our own in the graph that is being traced; nothing where it may not be in it: nothing is
 * traced, for other machines, or in a precision that it is not for.
 */
export function coresOf(op: string): number | undefined {
  return active?.coresOf(op);
}

/** Whether a function is being traced now. */
export function isTracing(): boolean {
  return active !== undefined;
}

/**
 * Put an op into the graph without running it: for ops that TensorFlow knows in graphs only, and not on
 * every machine.
 *
 * @returns its outputs, or nothing when nothing is traced, or for other machines: then the caller uses
 * plain ops.
 */
export function tracedOp(
  op: string,
  attributes: readonly Attribute[],
  inputs: readonly tf.Tensor[],
  outputs: readonly OutputType[],
): tf.Tensor[] | undefined {
  return active?.graphOp(op, attributes, inputs, outputs);
}

/**
 * Put an op into the graph that changes variables in place, such as `ResourceApplyAdam`. Its operands
 * are the variables' handles and after them `inputs`.
 *
 * @returns false when nothing is traced: then the caller computes and assigns by itself.
 */
export function tracedUpdate(
  op: string,
  attributes: readonly Attribute[],
  variables: readonly tf.Variable[],
  inputs: readonly tf.Tensor[],
): boolean {
  active?.update(op, attributes, variables, inputs);
  return active !== undefined;
}

/**
 * The same tensors, in the graph not before `trigger` is there.
 *
 * What a gradient computes anew from these is then computed when it is wanted. Otherwise TensorFlow
 * would merge it with the equal ops of the forward pass, or run it early, and hold the results.
 */
export function controlDependency(tensors: readonly tf.Tensor[], trigger: tf.Tensor): tf.Tensor[] {
  return tensors.map((tensor) => active?.controlDependency(tensor, trigger) ?? tensor);
}

/**
 * The same tensor, in the graph computed anew after `trigger` where one cheap op made it, so that it
 * need not be held until then (Chen et al. 2016, arXiv:1604.06174).
 */
export function rematerialize(tensor: tf.Tensor, trigger: tf.Tensor): tf.Tensor {
  return active?.rematerialize(tensor, trigger) ?? tensor;
}

/**
 * Have TensorFlow compile whatever `fn` computes, element by element, into one kernel (XLA's), in a
 * graph on the CPU; elsewhere its ops run one by one.
 *
 * It reads and writes each tensor once, and computes in float32 whatever the format of its operands.
 * Results of few elements are computed op by op, since making a kernel takes longer.
 *
 * @throws TracingError when `fn` uses an op that a kernel cannot hold, whatever the size.
 */
export function fused<T extends tf.Tensor>(fn: () => T): T {
  return active === undefined ? fn() : active.fused(fn);
}

/** Whether {@link fused} makes one kernel here of what gives this many elements. */
export function isFusing(elements: number): boolean {
  return active?.isFusing(elements) === true;
}

/** Compute what `fn` computes in float32, also where the rest is in bfloat16. */
export function withoutAutocast<T extends tf.Tensor>(fn: () => T): T {
  return active?.withoutAutocast(fn) ?? fn();
}
