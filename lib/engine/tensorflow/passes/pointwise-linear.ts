import { type Attribute, attribute, DT, hasOneDnn } from "../../native";
import type { Trace } from "../function-trace";
import { type GraphNode, makeNode, type Output, reshapeNodes, transposeNodes } from "../graph";
import { processor } from "../processor";
import type { Pass } from "./pass";

/** Rows, and rows and columns of the weights, from which on a product fills the processor's tiles. */
const SMALLEST = 16;

/**
 * A linear layer in bfloat16 and its gradient by its input as 1 × 1 convolutions, where the processor is
 * faster by them: oneDNN has kernels of its own for these, and takes a general one for a product by
 * weights that are in a variable. The gradient by the weights stays a product.
 */
export const pointwiseLinear: Pass = {
  name: "pointwise-linear",
  processorsOnly: true,
  summary: "a product by a matrix in bfloat16 becomes a 1 × 1 convolution, where that is faster",
  run: (trace, { portable }) =>
    portable || !hasOneDnn() || !processor().pointwiseProducts ? trace : withConvolutions(trace),
};

function withConvolutions(trace: Trace): Trace {
  const readers = new Map<GraphNode, (GraphNode | undefined)[]>();
  const read = (source: GraphNode, by?: GraphNode) =>
    readers.set(source, [...(readers.get(source) ?? []), by]);
  for (const node of trace.nodes) {
    for (const { node: source } of node.inputs) read(source, node);
    for (const before of node.after) read(before);
  }
  for (const { node } of trace.outputs) read(node);
  const copies = new Map<GraphNode, GraphNode>();
  /** Products whose only reader adds a bias: that belongs between convolution and reshape. */
  const held = new Set<GraphNode>();
  const there = (node: GraphNode) => copies.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => ({ node: there(node), index });
  const nodes = trace.nodes.flatMap((node) => {
    const copy = { ...node, inputs: node.inputs.map(moved), after: node.after.map(there) };
    const made = isLinear(node)
      ? pointwise(copy)
      : node.op === "BiasAdd" && held.has(node.inputs[0].node)
        ? biased(copy)
        : [copy];
    const [reader, ...others] = readers.get(node) ?? [];
    if (isLinear(node) && reader?.op === "BiasAdd" && others.length === 0) held.add(node);
    copies.set(node, made[made.length - 1]);
    return made;
  });
  const [inputs, effects] = [trace.inputs, trace.effects].map((list) => list.map(there));
  return { ...trace, nodes, inputs, effects, outputs: trace.outputs.map(moved) };
}

function isLinear({ op, attributes, inputs, outputs }: GraphNode): boolean {
  if (op !== "MatMul" || outputs[0].dtype !== DT.bfloat16) return false;
  const [rows, weight] = inputs.map(({ node, index }) => node.outputs[index].shape);
  return (
    !attributes.some(({ name, value }) => name === "transpose_a" && value === true) &&
    [rows[0], ...weight].every((length) => length >= SMALLEST)
  );
}

/** [rows, in] by [in, out], or by [out, in] transposed, as an image of one line. */
function pointwise({ name, attributes, inputs, after, outputs }: GraphNode): GraphNode[] {
  const [rows, weight] = inputs;
  const [{ shape }] = outputs;
  const given = rows.node.outputs[rows.index].shape;
  const transposes = attributes.some((a) => a.name === "transpose_b" && a.value);
  const turned = transposes ? transposeNodes(`${name}_turned`, weight) : [];
  const plain = transposes ? lastOf(turned) : weight;
  const image = reshapeNodes(`${name}_image`, rows, [1, 1, ...given]);
  const filter = reshapeNodes(`${name}_filter`, plain, [1, 1, given[1], shape[1]]);
  const convolution = makeNode(`${name}_convolution`, "Conv2D", {
    attributes: CONVOLUTION,
    inputs: [lastOf(image), lastOf(filter)],
    after,
    outputs: [{ shape: [1, 1, ...shape], dtype: DT.bfloat16 }],
  });
  const result = reshapeNodes(name, lastOf([convolution]), shape);
  return [...turned, ...image, ...filter, convolution, ...result];
}

const CONVOLUTION: readonly Attribute[] = [
  attribute.type("T", DT.bfloat16),
  attribute.int("strides", [1, 1, 1, 1]),
  attribute.int("dilations", [1, 1, 1, 1]),
  attribute.string("data_format", "NHWC"),
  attribute.string("padding", "VALID"),
];

/** A bias added to the convolution itself: TensorFlow makes one op of both. */
function biased({ name, attributes, inputs, after, outputs }: GraphNode): GraphNode[] {
  const [{ node: rows }, bias] = inputs;
  const [convolution] = rows.inputs;
  const sum = makeNode(`${name}_inside`, "BiasAdd", {
    attributes,
    inputs: [convolution, bias],
    after,
    outputs: convolution.node.outputs,
  });
  return [sum, ...reshapeNodes(name, lastOf([sum]), outputs[0].shape)];
}

function lastOf(nodes: readonly GraphNode[]): Output {
  return { node: nodes[nodes.length - 1], index: 0 };
}
