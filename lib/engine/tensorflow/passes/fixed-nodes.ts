import type { Trace } from "../function-trace";
import type { GraphNode } from "../graph";

/** What follows from weights and constants alone. */
export function fixedNodes({ nodes }: Trace): ReadonlySet<GraphNode> {
  const fixed = new Set<GraphNode>();
  for (const node of nodes) {
    const { op, inputs } = node;
    const follows = inputs.length > 0 && inputs.every((input) => fixed.has(input.node));
    if (op === "Const" || op === "ReadVariableOp" || follows) fixed.add(node);
  }
  return fixed;
}
