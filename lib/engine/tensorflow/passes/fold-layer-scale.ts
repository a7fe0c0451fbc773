import { attribute, DT } from "../../native";
import type { Trace } from "../function-trace";
import { type GraphNode, makeNode, type Output, reshapeNodes } from "../graph";
import { fixedNodes } from "./fixed-nodes";
import type { Pass } from "./pass";
import { onlyReaders } from "./readers";
import { withoutDead } from "./without-dead";

/**
 * Put a learnt factor of each channel (layer scale: Touvron et al. 2021, arXiv:2103.17239, eq. 4) into the
 * linear layer before it: its weights and bias are scaled once, and the residual sum follows the product.
 *
 * Only for prediction, and where nothing else reads what the layer gives.
 */
export const foldLayerScale: Pass = {
  name: "fold-layer-scale",
  summary: "a factor of each channel becomes part of the linear layer before it",
  run: (trace, { portable }) => (portable || trace.effects.length > 0 ? trace : folded(trace)),
};

/** A linear layer, its factor, and the ops between product and factor. */
interface Scaled {
  readonly product: GraphNode;
  readonly between: readonly GraphNode[];
  readonly factor: Output;
}

function folded(trace: Trace): Trace {
  const fixed = fixedNodes(trace);
  const reader = onlyReaders(trace);
  const places = new Map<GraphNode, Scaled>();
  for (const node of trace.nodes) {
    const scaled = scaledLayer(node, fixed, reader);
    if (scaled !== undefined) places.set(node, scaled);
  }
  if (places.size === 0) return trace;
  const replaced = new Map<GraphNode, GraphNode>();
  const there = (node: GraphNode) => replaced.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => ({ node: there(node), index });
  const nodes = trace.nodes.flatMap((node) => {
    const scaled = places.get(node);
    if (scaled === undefined) {
      const copy = { ...node, inputs: node.inputs.map(moved), after: node.after.map(there) };
      replaced.set(node, copy);
      return [copy];
    }
    const made = fold(scaled, moved);
    replaced.set(node, made[made.length - 1]);
    return made;
  });
  const inputs = trace.inputs.map(there);
  return withoutDead({ ...trace, nodes, inputs, outputs: trace.outputs.map(moved) });
}

function scaledLayer(
  node: GraphNode,
  fixed: ReadonlySet<GraphNode>,
  reader: ReturnType<typeof onlyReaders>,
): Scaled | undefined {
  if (node.op !== "Mul" || node.after.length > 0) return undefined;
  const factor = node.inputs.find((input) => fixed.has(input.node));
  let from = node.inputs.find((input) => !fixed.has(input.node))?.node;
  if (factor === undefined || from === undefined) return undefined;
  const between: GraphNode[] = [];
  let by = node;
  const alone = (source: GraphNode) => reader.get(source) === by && source.after.length === 0;
  while (alone(from) && (from.op === "Reshape" || from.op === "BiasAdd")) {
    between.unshift(from);
    by = from;
    from = from.inputs[0].node;
  }
  if (from.op !== "MatMul" || !alone(from)) return undefined;
  const channels = `${from.outputs[0].shape[1]}`;
  const last = (shape: readonly number[]) => `${shape.slice(-1)}`;
  const fits =
    `${typeOf(factor).shape}` === channels &&
    // Channels stay the last dimension all the way.
    [...between, node].every(({ outputs }) => last(outputs[0].shape) === channels) &&
    between.every(({ op, inputs }) => op !== "BiasAdd" || fixed.has(inputs[1].node)) &&
    !fixed.has(from.inputs[0].node) &&
    fixed.has(from.inputs[1].node);
  return fits ? { product: from, between, factor } : undefined;
}

/** x (w · γ) + b · γ */
function fold({ product, between, factor }: Scaled, moved: (output: Output) => Output) {
  const nodes: GraphNode[] = [];
  const add = (node: GraphNode): Output => {
    nodes.push(node);
    return { node, index: 0 };
  };
  const times = (name: string, value: Output, by: Output): Output =>
    add(
      makeNode(name, "Mul", {
        attributes: [attribute.type("T", DT.float32)],
        inputs: [value, by],
        outputs: [typeOf(value)],
      }),
    );
  const gamma = moved(factor);
  const [rows, weight] = product.inputs.map(moved);
  const transposes = product.attributes.some((a) => a.name === "transpose_b" && a.value === true);
  const down = () => reshapeNodes(`${product.name}_along`, gamma, [typeOf(gamma).shape[0], 1]);
  const by = transposes ? down().map(add)[1] : gamma;
  const scaled = times(`${product.name}_weight`, weight, by);
  let result = add({ ...product, name: `${product.name}_scaled`, inputs: [rows, scaled] });
  for (const node of between) {
    const [, second] = node.inputs.map(moved);
    const operand = node.op === "BiasAdd" ? times(`${node.name}_bias`, second, gamma) : second;
    result = add({ ...node, name: `${node.name}_scaled`, inputs: [result, operand] });
  }
  return nodes;
}

function typeOf({ node, index }: Output) {
  return node.outputs[index];
}
