import { DT, hasOneDnn } from "../../native";
import type { Trace } from "../function-trace";
import {
  DEPTHWISE,
  type FusedConvolution,
  fusedConvolution,
  worksFusedConvolution,
} from "../fused-convolution";
import { type GraphNode, makeNode, type Output, reshapeNodes, shapeOf } from "../graph";
import { hasOwnLinear, linearNode } from "../linear-op";
import { coresOfPart } from "../processor";
import { fixedNodes } from "./fixed-nodes";
import type { Pass } from "./pass";
import { onlyReaders } from "./readers";

/**
 * Convolutions by weights that stay, as oneDNN's one op: it adds the bias and the residual and applies ReLU while the
 * result is in the cache, and keeps the filter in whichever order its kernel likes best. TensorFlow joins such ops by
 * itself, and has the filter put into order in every call unless it is a constant in the graph.
 */
export const fuseConvolutions: Pass = {
  name: "fuse-convolutions",
  processorsOnly: true,
  summary: "a convolution by weights that stay takes bias, residual sum and ReLU along",
  run: (trace, { portable, constantVariables, parts = 1 }) =>
    portable || !constantVariables || trace.effects.length > 0 || !hasOneDnn()
      ? trace
      : fused(trace, coresOfPart(parts)),
};

/** Pixels up to which a convolution by 1 × 1 filters is faster as a linear layer of our own. */
const FEW_PIXELS = 1600;

/** A convolution and what follows it. */
interface Chain extends FusedConvolution {
  /** The ops that it stands for, in their order. */
  readonly ops: readonly GraphNode[];
}

function fused(trace: Trace, threads: number): Trace {
  const reader = onlyReaders(trace);
  const fixed = fixedNodes(trace);
  const chains = new Map<GraphNode, Chain>();
  const taken = new Set<GraphNode>();
  for (const node of trace.nodes) {
    if (!isConvolution(node, fixed)) continue;
    // The sum of two convolutions belongs to the first of them.
    const chain = chainsFrom(node, reader, fixed).find(
      ({ ops }) => !ops.some((op) => taken.has(op)),
    );
    if (chain === undefined) continue;
    chains.set(lastOf(chain.ops), chain);
    for (const op of chain.ops) taken.add(op);
  }
  const copies = new Map<GraphNode, GraphNode>();
  const there = (node: GraphNode) => copies.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => ({ node: there(node), index });
  const nodes = trace.nodes.flatMap((node) => {
    const chain = chains.get(node);
    if (chain === undefined && taken.has(node)) return [];
    const after = (chain?.ops ?? [node]).flatMap((op) => op.after.map(there));
    const made =
      chain === undefined
        ? [{ ...node, inputs: node.inputs.map(moved), after }]
        : fusedNodes(chain, moved, after, threads);
    copies.set(node, lastOf(made));
    return made;
  });
  const inputs = trace.inputs.map(there);
  return { ...trace, nodes, inputs, outputs: trace.outputs.map(moved) };
}

/** What stands for a chain, whose operands are `moved`; the last one gives its result. */
function fusedNodes(
  { convolution: { inputs, ...convolution }, added, activation }: Chain,
  moved: (output: Output) => Output,
  after: readonly GraphNode[],
  threads: number,
): GraphNode[] {
  const whole = { ...convolution, inputs: inputs.map(moved), after };
  const none = added.length === 0 ? [zeros(whole)] : [];
  const sums = none.length > 0 ? [resultOf(none)] : added.map(moved);
  const form = { convolution: whole, added: sums, activation };
  const name = `${convolution.name}_fused`;
  return [...none, ...(linearNodes(name, form, threads) ?? [fusedConvolution(name, form)])];
}

/**
 * A convolution as a linear layer of our own, where that is faster: one by 1 × 1 filters, or by
 * filters as large as the image (VGG's first wide layer).
 */
function linearNodes(
  name: string,
  { convolution, added, activation }: FusedConvolution,
  threads: number,
): GraphNode[] | undefined {
  const { op, inputs, attributes } = convolution;
  const [image, filter] = inputs;
  const [height, width, channels, out] = shapeOf(filter);
  const [images, rows, columns] = convolution.outputs[0].shape;
  const the = (name: string) => `${attributes.find((attribute) => attribute.name === name)?.value}`;
  const pointwise =
    height * width === 1 && the("strides") === "1,1,1,1" && shapeOf(image)[3] === channels;
  const whole =
    the("padding") === "VALID" && `${shapeOf(image).slice(1)}` === `${[height, width, channels]}`;
  const isLinear =
    op === "Conv2D" &&
    (pointwise || whole) &&
    activation !== "Relu6" &&
    images * rows * columns <= FEW_PIXELS &&
    hasOwnLinear(image);
  if (!isLinear) return undefined;
  const features = height * width * channels;
  const vectors = reshapeNodes(`${name}_vectors`, image, [images * rows * columns, features]);
  const weights = reshapeNodes(`${name}_weights`, filter, [features, out]);
  const operands = [resultOf(vectors), resultOf(weights)];
  const form = { operands, added, transposes: false, activation };
  const layer = { ...linearNode(name, form, threads), after: convolution.after };
  const back = reshapeNodes(`${name}_image`, resultOf([layer]), convolution.outputs[0].shape);
  return [...vectors, ...weights, layer, ...back];
}

/** Images by a filter that follows from weights. */
function isConvolution({ op, inputs, outputs }: GraphNode, fixed: ReadonlySet<GraphNode>): boolean {
  if (op !== "Conv2D" && op !== DEPTHWISE) return false;
  if (!worksFusedConvolution(outputs[0].dtype)) return false;
  const [image, filter] = inputs;
  return fixed.has(filter.node) && filter.node.op !== "Const" && !fixed.has(image.node);
}

/** What a convolution may take along, the longest chain first. */
function chainsFrom(
  convolution: GraphNode,
  reader: ReadonlyMap<GraphNode, GraphNode | undefined>,
  fixed: ReadonlySet<GraphNode>,
): Chain[] {
  const found: Chain[] = [{ convolution, added: [], ops: [convolution] }];
  const take = (more: Partial<Chain>, op: GraphNode) => {
    found.unshift({ ...found[0], ...more, ops: [...found[0].ops, op] });
  };
  const next = () => {
    const last = lastOf(found[0].ops);
    const op = reader.get(last);
    return op !== undefined && `${op.outputs[0]?.shape}` === `${convolution.outputs[0].shape}`
      ? { op, last }
      : undefined;
  };
  const bias = next();
  if (bias?.op.op !== "BiasAdd" || bias.op.inputs[0].node !== bias.last) return found;
  take({ added: [bias.op.inputs[1]] }, bias.op);
  // oneDNN's depthwise op takes no sum along.
  const sum = convolution.op === DEPTHWISE ? undefined : next();
  if (sum?.op.op === "Add" || sum?.op.op === "AddV2") {
    const residual = sum.op.inputs.find(({ node }) => node !== sum.last);
    if (
      residual !== undefined &&
      !fixed.has(residual.node) &&
      `${shapeOf(residual)}` === `${convolution.outputs[0].shape}`
    )
      take({ added: [...found[0].added, residual] }, sum.op);
    else return found;
  }
  const end = next()?.op;
  if (end?.op === "Relu") take({ activation: "Relu" }, end);
  // oneDNN's op has no sum with it.
  else if (end?.op === "Relu6" && found[0].added.length === 1) take({ activation: "Relu6" }, end);
  return found;
}

function zeros({ name, outputs: [{ shape, dtype }] }: GraphNode): GraphNode {
  const bytes = new Uint8Array((dtype === DT.bfloat16 ? 2 : 4) * shape[3]);
  const value = { shape: [shape[3]], dtype, bytes };
  return makeNode(`${name}_bias`, "Const", { outputs: [value], value });
}

function resultOf(nodes: readonly GraphNode[]): Output {
  return { node: lastOf(nodes), index: 0 };
}

function lastOf(ops: readonly GraphNode[]): GraphNode {
  return ops[ops.length - 1];
}
