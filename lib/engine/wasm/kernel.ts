import type * as tf from "@tensorflow/tfjs-core";

/** A kernel of tfjs's WASM backend, made of tfjs's own ops. */
export interface WasmKernel {
  /** tfjs's name of it, such as `Conv2DBackpropFilter`. */
  readonly name: string;
  /** The result of these inputs and attributes, both by tfjs's names; runs inside `tf.tidy`. */
  compute(inputs: Record<string, tf.Tensor>, attributes: Record<string, unknown>): tf.Tensor;
  /** Whether it is for these; the backend's own kernel is for others. Default: always. */
  applies?(attributes: Record<string, unknown>, inputs: Record<string, tf.Tensor>): boolean;
}

/**
 * A kernel with the types of its inputs and attributes.
 *
 * @param name tfjs's name of it.
 * @param applies See {@link WasmKernel.applies}.
 */
export function wasmKernel<Inputs, Attributes>(
  name: string,
  compute: (inputs: { [K in keyof Inputs]: tf.Tensor }, attributes: Attributes) => tf.Tensor,
  applies?: (attributes: Attributes, inputs: { [K in keyof Inputs]: tf.Tensor }) => boolean,
): WasmKernel {
  return { name, compute, applies } as WasmKernel;
}
