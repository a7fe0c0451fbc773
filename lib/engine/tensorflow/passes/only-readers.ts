import type { Trace } from "../function-trace";
import type { GraphNode } from "../graph";

/** The op that reads a node, where it is the only one and nothing else waits for the node. */
export function onlyReaders(trace: Trace): ReadonlyMap<GraphNode, GraphNode | undefined> {
  const readers = new Map<GraphNode, GraphNode | undefined>();
  const read = (source: GraphNode, by?: GraphNode) =>
    readers.set(source, readers.has(source) && readers.get(source) !== by ? undefined : by);
  for (const node of trace.nodes) {
    for (const { node: source } of node.inputs) read(source, node);
    for (const before of node.after) read(before);
  }
  for (const node of [...trace.effects, ...trace.outputs.map((output) => output.node)]) read(node);
  return readers;
}
