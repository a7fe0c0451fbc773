import type { Trace } from "../function-trace";
import type { GraphNode, Output } from "../graph";
import type { Pass } from "./pass";

/** Elements from which a kernel of its own saves more than the tenth of a second that making it takes. */
export const FUSED_FROM = 2 ** 16;

/** What `fused` holds together, as one kernel where it is large enough. */
export const fuseElementwise: Pass = {
  name: "fuse-elementwise",
  summary: "each `fused` function of 65,536 elements or more becomes one kernel of XLA's",
  run: (trace) => inlined(trace, ({ shape }) => shape.reduce((a, b) => a * b, 1) < FUSED_FROM),
  off: (trace) => inlined(trace, () => true),
};

/** The trace with the ops of some calls in place of the calls. */
function inlined(trace: Trace, chosen: (result: GraphNode["outputs"][number]) => boolean): Trace {
  const nodes: GraphNode[] = [];
  const copies = new Map<GraphNode, GraphNode>();
  const results = new Map<GraphNode, Output>();
  const own = new Set(trace.nodes);
  const there = ({ node, index }: Output): Output =>
    results.get(node) ?? { node: copies.get(node) ?? node, index };
  const nodeAt = (node: GraphNode) => there({ node, index: 0 }).node;
  for (const node of trace.nodes) {
    const inputs = node.inputs.map(there);
    const after = node.after.map(nodeAt);
    if (node.body === undefined || !chosen(node.outputs[0])) {
      const copy = { ...node, inputs, after };
      copies.set(node, copy);
      nodes.push(copy);
      continue;
    }
    const { parameters, nodes: inside, outputs } = node.body;
    const inner = new Map<GraphNode, GraphNode>();
    const given = new Map(parameters.map((parameter, i) => [parameter, inputs[i]]));
    const within = ({ node: source, index }: Output): Output =>
      given.get(source) ?? { node: inner.get(source) ?? nodeAt(source), index };
    // A constant from outside is there already.
    for (const op of inside.filter((op) => !own.has(op))) {
      const copy = {
        ...op,
        name: `${node.name}/${op.name}`,
        inputs: op.inputs.map(within),
        after: [...op.after.map(nodeAt), ...after],
      };
      inner.set(op, copy);
      nodes.push(copy);
    }
    results.set(node, within(outputs[0]));
  }
  return {
    ...trace,
    nodes,
    inputs: trace.inputs.map(nodeAt),
    effects: trace.effects.map(nodeAt),
    outputs: trace.outputs.map(there),
  };
}
