import type { Trace } from "../function-trace";
import type { GraphNode } from "../graph";

/** What nothing that is asked for follows from, left out. */
export function withoutDead(trace: Trace): Trace {
  const alive = new Set<GraphNode>(trace.inputs);
  const waiting = [...trace.effects, ...trace.outputs.map(({ node }) => node)];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (alive.has(node)) continue;
    alive.add(node);
    waiting.push(...node.inputs.map((input) => input.node), ...node.after);
  }
  return { ...trace, nodes: trace.nodes.filter((node) => alive.has(node)) };
}
