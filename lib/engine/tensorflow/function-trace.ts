import type * as tf from "@tensorflow/tfjs-core";
import type { GraphNode, Output } from "./graph";

/** What one function does, as a TensorFlow graph. */
export interface Trace {
  /** Each after what it reads. */
  readonly nodes: readonly GraphNode[];
  /** One placeholder per input. */
  readonly inputs: readonly GraphNode[];
  /** What the function returned, in its order. */
  readonly outputs: readonly Output[];
  /** Nodes that change variables, which must run with every call. */
  readonly effects: readonly GraphNode[];
  /** The variables that these change. */
  readonly changed: readonly tf.Variable[];
  /** Nodes that must have run once since any variable was changed. */
  readonly prepack?: readonly GraphNode[];
  /** Whether the function gave an array, or one tensor. */
  readonly many: boolean;
}

/**
 * Where two traces of one function differ: then it does not do the same in every call.
 *
 * @returns what differs, for a person, or nothing.
 */
export function difference(a: Pick<Trace, "nodes">, b: Pick<Trace, "nodes">): string | undefined {
  if (a.nodes.length !== b.nodes.length) return "other ops";
  for (const [i, node] of a.nodes.entries()) {
    const other = b.nodes[i];
    if (essence(node) !== essence(other)) return `${other.op} for ${node.op}`;
    const { value } = node;
    if (value !== undefined && !sameBytes(value.bytes, other.value?.bytes)) {
      return `another constant of shape [${value.shape}]`;
    }
    if (node.body !== undefined && other.body !== undefined) {
      const inside = difference(node.body, other.body);
      if (inside !== undefined) return inside;
    }
  }
  return undefined;
}

function essence({ op, attributes, inputs, outputs }: GraphNode): string {
  const sources = inputs.map(({ node, index }) => `${node.name}:${index}`);
  return JSON.stringify([op, attributes, sources, outputs.map(({ shape }) => shape)]);
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}
