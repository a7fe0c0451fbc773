import type * as tf from "@tensorflow/tfjs-core";
import type { GraphNode, OutputType } from "./graph";
import { type Attribute, nativeBackend } from "./native";
import { FUSED_FROM } from "./recorded-nodes";
import { Recorder } from "./recorder";
import type { Recording, TensorFunction } from "./recording";
import { refusal } from "./recording-guard";

/** The recording that goes on, if any: what follows puts ops into it. */
let active: Recorder | undefined;

/**
 * Run `fn` once on stand-ins for its inputs and variables and note every op that it executes.
 *
 * Nothing outside changes: variables have the values they had before.
 *
 * @param handles The variables that `fn` may use, each with its `VarHandleOp`.
 * @param options.infer Compute nothing of which the shape is known; default true.
 * @param options.portable Leave out the ops that only this machine's kind of TensorFlow has.
 * @throws UserError when the function does what a graph cannot: read a tensor's values, draw random
 * numbers outside the stateless ops, make variables, run another compiled function.
 */
export function record(
  name: string,
  fn: TensorFunction,
  inputs: readonly tf.Tensor[],
  handles: ReadonlyMap<tf.Variable, GraphNode>,
  options: { readonly infer?: boolean; readonly portable?: boolean } = {},
): Recording {
  const backend = nativeBackend();
  if (backend === undefined) throw new Error("only the native engine records");
  if (active !== undefined) {
    throw refusal(active.name, `calls "${name}", which is compiled too`, "call that one outside");
  }
  const { infer = true, portable = false } = options;
  active = new Recorder(name, backend, handles, infer, portable);
  try {
    return active.run(fn, inputs);
  } finally {
    active = undefined;
  }
}

/**
 * Put an op into the recording without running it: for ops that TensorFlow knows in graphs only, and
 * not on every machine.
 *
 * @returns its outputs, or nothing when no recording goes on, or one for other machines.
 */
export function recordedOp(
  op: string,
  attributes: readonly Attribute[],
  inputs: readonly tf.Tensor[],
  outputs: readonly OutputType[],
): tf.Tensor[] | undefined {
  return active?.graphOp(op, attributes, inputs, outputs);
}

/**
 * Put an op into the recording that changes variables in place, such as `ResourceApplyAdam`. Its
 * operands are the variables' handles and after them `inputs`.
 *
 * @returns false when no recording goes on: then the caller computes and assigns by itself.
 */
export function recordedUpdate(
  op: string,
  attributes: readonly Attribute[],
  variables: readonly tf.Variable[],
  inputs: readonly tf.Tensor[],
): boolean {
  active?.variables.update(op, attributes, variables, inputs);
  return active !== undefined;
}

/**
 * The same tensors, in the recording not before `trigger` is there.
 *
 * What a gradient computes anew from these is then computed when it is wanted. Otherwise TensorFlow
 * would merge it with the equal ops of the forward pass, or run it early, and hold the results.
 */
export function heldBack(tensors: readonly tf.Tensor[], trigger: tf.Tensor): tf.Tensor[] {
  return tensors.map((tensor) => active?.nodes.heldBack(tensor, trigger) ?? tensor);
}

/**
 * The same tensor, in the recording computed anew after `trigger` where one cheap op made it, so that
 * it need not be held until then.
 */
export function recomputed(tensor: tf.Tensor, trigger: tf.Tensor): tf.Tensor {
  return active?.nodes.recomputed(tensor, trigger) ?? tensor;
}

/**
 * Have TensorFlow compile whatever `fn` computes, element by element, into one kernel (XLA's), in a
 * recording on the CPU; elsewhere its ops run one by one.
 *
 * It reads and writes each tensor once, and computes in float32 whatever the format of its operands.
 * Its sums are slow: leave them outside.
 */
export function fused<T extends tf.Tensor>(fn: () => T): T {
  return active?.isFusing ? active.nodes.fused(fn) : fn();
}

/** Whether {@link fused} makes one kernel here of what gives this many elements. */
export function isFusing(elements: number): boolean {
  return active?.isFusing === true && elements >= FUSED_FROM;
}

/** Compute what `fn` computes in float32, also where the rest is in bfloat16. */
export function inFloat32<T extends tf.Tensor>(fn: () => T): T {
  return active?.nodes.exactly(fn) ?? fn();
}
