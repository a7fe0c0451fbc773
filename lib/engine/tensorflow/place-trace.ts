import type * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, dtypeNumber } from "../native";
import type { Trace } from "./function-trace";
import { type GraphNode, makeNode, type Output, outputName, variableNodes } from "./graph";

/** What a session must be fed and asked for to run one trace. */
export interface Runnable {
  /** Whether the function gives a list of tensors. */
  readonly many: boolean;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Fetched once since any variable was changed. */
  readonly prepackName?: string;
}

/** Copy a trace's nodes into the graph, under names of their own. */
export function placeTrace(prefix: string, trace: Trace, nodes: GraphNode[]): Runnable {
  const placed = new Map<GraphNode, GraphNode>();
  // What is not the trace's own is a variable's handle, which all share.
  const there = (node: GraphNode) => placed.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => ({ node: there(node), index });
  for (const node of trace.nodes) {
    const copy = {
      ...node,
      name: `${prefix}/${node.name}`,
      inputs: node.inputs.map(moved),
      after: node.after.map(there),
    };
    placed.set(node, copy);
    nodes.push(copy);
  }
  const done = doneAfter(prefix, trace.effects.map(there));
  nodes.push(...done);
  const { prepack = [] } = trace;
  const ready = prepack.length > 0 ? doneAfter(`${prefix}/prepack`, prepack.map(there)) : [];
  nodes.push(...ready);
  return {
    prepackName: ready.length > 0 ? `${ready[1].name}:0` : undefined,
    many: trace.many,
    inputNames: trace.inputs.map((node) => `${there(node).name}:0`),
    outputNames: [...trace.outputs.map(moved).map(outputName), `${done[1].name}:0`],
  };
}

/** A variable's nodes, and the placeholder that its value is fed through. */
export function fedVariable(variable: tf.Variable, i: number) {
  const type = { shape: variable.shape, dtype: dtypeNumber(variable.dtype) };
  const shape = attribute.shape("shape", type.shape);
  const feed = makeNode(`variable${i}/feed`, "Placeholder", {
    attributes: [attribute.type("dtype", type.dtype), shape],
    outputs: [type],
  });
  const nodes = variableNodes(`variable${i}`, { node: feed, index: 0 });
  const [zero, done] = doneAfter(`variable${i}/fed`, [nodes.assign]);
  return { feed, ...nodes, zero, done };
}

/** A scalar whose value is there only when these nodes have run: a session fetches tensors only. */
function doneAfter(prefix: string, after: readonly GraphNode[]): [GraphNode, GraphNode] {
  const value = { shape: [], dtype: DT.int32, bytes: new Uint8Array(4) };
  const zero = makeNode(`${prefix}/zero`, "Const", { outputs: [value], value });
  const done = makeNode(`${prefix}/done`, "Identity", {
    attributes: [attribute.type("T", DT.int32)],
    inputs: [{ node: zero, index: 0 }],
    after,
    outputs: [value],
  });
  return [zero, done];
}
