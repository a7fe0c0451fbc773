import type { Trace } from "../function-trace";
import type { GraphNode, Output } from "../graph";

/** Who reads a node, and which of its results; nobody where the function gives it or something waits for it. */
export type Readers = ReadonlyMap<GraphNode, readonly { index: number; by?: GraphNode }[]>;

/** All that read each node. */
export function readersOf({ nodes, outputs, effects }: Trace): Readers {
  const readers = new Map<GraphNode, { index: number; by?: GraphNode }[]>();
  const read = ({ node, index }: Output, by?: GraphNode) => {
    const known = readers.get(node);
    if (known === undefined) readers.set(node, [{ index, by }]);
    else known.push({ index, by });
  };
  for (const node of nodes) {
    for (const input of node.inputs) read(input, node);
    for (const before of node.after) read({ node: before, index: 0 });
  }
  for (const output of outputs) read(output);
  for (const node of effects) read({ node, index: 0 });
  return readers;
}

/** The op that reads a node, where it is the only one and nothing else waits for the node. */
export function onlyReaders(trace: Trace): ReadonlyMap<GraphNode, GraphNode | undefined> {
  const only = [...readersOf(trace)].map(([node, [first, ...others]]) => {
    const alone = others.every(({ by }) => by === first.by);
    return [node, alone ? first.by : undefined] as const;
  });
  return new Map(only);
}
