import type { Precision } from "../../start";
import type { Trace } from "../function-trace";
import type { GraphNode, Output } from "../graph";
import { coresOfPart } from "../processor";
import type { Pass } from "./pass";

/**
 * What a pass does that puts kernels of our own into graphs of one precision: nothing but where it finds an op for them, so that
 * nobody else waits until they are tried.
 *
 * @param wanted Whether an op is one of those that they stand for.
 * @param isThere Whether they run here.
 * @param rewrite Also given how many cores share a kernel.
 * @param of The precision.
 */
export function ownKernels(
  wanted: (node: GraphNode) => boolean,
  isThere: () => boolean,
  rewrite: (trace: Trace, threads: number) => Trace,
  of: Precision = "mixed_bfloat16",
): Pass["run"] {
  return (trace, { portable, precision, parts = 1 }) =>
    portable || precision !== of || !trace.nodes.some(wanted) || !isThere()
      ? trace
      : rewrite(trace, coresOfPart(parts));
}

/**
 * A trace in which other nodes stand for some.
 *
 * @param replacement A node of the same results and operands as in the trace, or nothing.
 */
export function withOthers(
  trace: Trace,
  replacement: (node: GraphNode) => GraphNode | undefined,
): Trace {
  const copies = new Map<GraphNode, GraphNode>();
  const there = (node: GraphNode) => copies.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => ({ node: there(node), index });
  const nodes = trace.nodes.map((node) => {
    const made = replacement(node) ?? node;
    const copy = { ...made, inputs: made.inputs.map(moved), after: node.after.map(there) };
    copies.set(node, copy);
    return copy;
  });
  const [inputs, effects] = [trace.inputs, trace.effects].map((list) => list.map(there));
  return { ...trace, nodes, inputs, effects, outputs: trace.outputs.map(moved) };
}
