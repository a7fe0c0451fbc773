import { DT, hasOneDnn, isUsingGpu } from "../../native";
import type { Trace } from "../function-trace";
import { bodyOf } from "../fused-body";
import { type GraphNode, makeNode, type Output } from "../graph";
import { definitionOf } from "../op-table";
import { FUSED_FROM } from "./fuse-elementwise";
import type { Pass } from "./pass";
import { onlyReaders } from "./readers";

/**
 * Element-wise ops that follow one another and that nobody wrote as one: a sum and the ReLU after it, sums of
 * gradients. Each by itself reads and writes all of its elements, and memory is what they wait for.
 *
 * For training alone: in predictions TensorFlow joins such ops to the convolution before them.
 */
export const fuseChains: Pass = {
  name: "fuse-chains",
  summary: "element-wise ops that follow one another become one kernel, in training",
  run: (trace, { portable, precision }) =>
    portable || precision !== "mixed_bfloat16" || trace.effects.length === 0 || !fusesChains()
      ? trace
      : chained(trace),
};

const fusesChains = () => hasOneDnn() || isUsingGpu();

function chained(trace: Trace): Trace {
  const reader = onlyReaders(trace);
  // What computes the last op of a chain, from the end on: each op is in the longest chain that it fits.
  const chainOf = new Map<GraphNode, GraphNode[]>();
  const inner = new Set<GraphNode>();
  for (const node of [...trace.nodes].reverse()) {
    if (inner.has(node) || !isLink(node)) continue;
    const chain = [node];
    for (let i = 0; i < chain.length; i++) {
      for (const { node: source } of chain[i].inputs) {
        if (reader.get(source) === chain[i] && isLink(source) && alike(source, node))
          chain.push(source);
      }
    }
    if (chain.length < 2) continue;
    for (const op of chain) inner.add(op);
    chainOf.set(node, chain);
  }
  const position = new Map(trace.nodes.map((node, i) => [node, i]));
  const copies = new Map<GraphNode, GraphNode>();
  const there = (node: GraphNode) => copies.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => ({ node: there(node), index });
  const nodes = trace.nodes.flatMap((node) => {
    const chain = chainOf.get(node);
    if (chain === undefined && inner.has(node)) return [];
    const made = chain === undefined ? node : kernel(node, chain, position);
    const copy = { ...made, inputs: made.inputs.map(moved), after: made.after.map(there) };
    copies.set(node, copy);
    return [copy];
  });
  const [inputs, effects] = [trace.inputs, trace.effects].map((list) => list.map(there));
  return { ...trace, nodes, inputs, effects, outputs: trace.outputs.map(moved) };
}

/** Whether an op computes many numbers, each from those at its place or from one number for all. */
function isLink({ op, inputs, outputs, autocast, after }: GraphNode): boolean {
  const [type] = outputs;
  return (
    definitionOf(op).elementwise === true &&
    definitionOf(op).bfloat16?.rule === "follow" &&
    !definitionOf(op).alias &&
    autocast !== false &&
    after.length === 0 &&
    type.dtype === DT.float32 &&
    size(type.shape) >= FUSED_FROM &&
    inputs.every(({ node, index }) => {
      const given = node.outputs[index];
      const whole = `${given.shape}` === `${type.shape}`;
      return given.dtype === DT.float32 && (whole || size(given.shape) === 1);
    })
  );
}

function alike(a: GraphNode, b: GraphNode): boolean {
  return `${a.outputs[0].shape}` === `${b.outputs[0].shape}`;
}

function size(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** The call that stands for a chain whose last op is `node`. */
function kernel(
  node: GraphNode,
  chain: readonly GraphNode[],
  position: ReadonlyMap<GraphNode, number>,
): GraphNode {
  const at = (op: GraphNode) => position.get(op) ?? 0;
  const ordered = [...chain].sort((a, b) => at(a) - at(b));
  const { body, inputs } = bodyOf(ordered, { node, index: 0 });
  return makeNode(`${node.name}_chain`, "PartitionedCall", { inputs, outputs: node.outputs, body });
}
