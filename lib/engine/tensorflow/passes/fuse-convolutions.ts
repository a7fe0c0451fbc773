import { DT, hasOneDnn } from "../../native";
import type { Trace } from "../function-trace";
import {
  type FusedConvolution,
  fusedConvolution,
  worksFusedConvolution,
} from "../fused-convolution";
import { type GraphNode, makeNode, type Output, reshapeNodes } from "../graph";
import { hasOwnLinear, linearNode } from "../linear-op";
import { coresOfPart } from "../processor";
import { onlyReaders } from "./only-readers";
import type { Pass } from "./pass";

/**
 * Convolutions by weights that stay, as oneDNN's one op: it adds the bias and the residual and applies ReLU while the
 * result is in the cache, and keeps the filter in whichever order its kernel likes best. TensorFlow joins such ops by
 * itself, and has the filter put into order in every call unless it is a constant in the graph.
 *
 * Those of single pixels are our own linear layers in bfloat16, where the processor has tiles for them.
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

/** A convolution and what follows it. */
interface Chain extends FusedConvolution {
  /** The ops that it stands for, in their order. */
  readonly ops: readonly GraphNode[];
}

function fused(trace: Trace, threads: number): Trace {
  const reader = onlyReaders(trace);
  const fixed = new Set<GraphNode>();
  for (const node of trace.nodes) {
    const { op, inputs } = node;
    if (op === "Const" || op === "ReadVariableOp") fixed.add(node);
    else if (inputs.length > 0 && inputs.every((input) => fixed.has(input.node))) fixed.add(node);
  }
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
    if (chain === undefined) {
      const copy = { ...node, inputs: node.inputs.map(moved), after: node.after.map(there) };
      copies.set(node, copy);
      return [copy];
    }
    const bias = chain.added.length === 0 ? zeros(chain.convolution) : undefined;
    const whole: FusedConvolution = {
      convolution: { ...chain.convolution, inputs: chain.convolution.inputs.map(moved) },
      added: bias === undefined ? chain.added.map(moved) : [{ node: bias, index: 0 }],
      activation: chain.activation,
    };
    const name = `${chain.convolution.name}_fused`;
    const made = isLinear(chain.convolution)
      ? asLinear(name, whole, threads)
      : [fusedConvolution(name, whole)];
    const last = made.length - 1;
    const after = chain.ops.flatMap((op) => op.after.map(there));
    const all = made.map((one, i) => (i === last ? { ...one, after } : one));
    copies.set(node, all[last]);
    return bias === undefined ? all : [bias, ...all];
  });
  const inputs = trace.inputs.map(there);
  return { ...trace, nodes, inputs, outputs: trace.outputs.map(moved) };
}

/** Images by a filter that follows from weights. */
function isConvolution({ op, inputs, outputs }: GraphNode, fixed: ReadonlySet<GraphNode>): boolean {
  if (op !== "Conv2D" || !worksFusedConvolution(outputs[0].dtype)) return false;
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
  const sum = next();
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

/** Whether it is a linear layer of each pixel, which our own op computes. */
function isLinear({ attributes, inputs: [image, filter] }: GraphNode): boolean {
  const [height, width] = shapeOf(filter);
  const strides = attributes.find(({ name }) => name === "strides")?.value as readonly number[];
  return height * width === 1 && strides.every((stride) => stride === 1) && hasOwnLinear(image);
}

/** Pixels one below the other, the layer, and the picture again. */
function asLinear(
  name: string,
  { convolution, added: [bias, ...residual], activation }: FusedConvolution,
  threads: number,
): GraphNode[] {
  const nodes: GraphNode[] = [];
  const reshaped = (part: string, output: Output, shape: readonly number[]): Output => {
    nodes.push(...reshapeNodes(`${name}_${part}`, output, shape));
    return { node: nodes[nodes.length - 1], index: 0 };
  };
  const [image, filter] = convolution.inputs;
  const [, , from, to] = shapeOf(filter);
  const { shape } = convolution.outputs[0];
  const pixels = shape[0] * shape[1] * shape[2];
  const operands = [
    reshaped("pixels", image, [pixels, from]),
    reshaped("weights", filter, [from, to]),
  ];
  const added = [bias, ...residual.map((sum) => reshaped("residual", sum, [pixels, to]))];
  nodes.push(
    linearNode(`${name}_layer`, { operands, added, activation, transposes: false }, threads),
  );
  reshaped("picture", { node: nodes[nodes.length - 1], index: 0 }, shape);
  return nodes;
}

function zeros({ name, outputs: [{ shape, dtype }] }: GraphNode): GraphNode {
  const bytes = new Uint8Array((dtype === DT.bfloat16 ? 2 : 4) * shape[3]);
  const value = { shape: [shape[3]], dtype, bytes };
  return makeNode(`${name}_bias`, "Const", { outputs: [value], value });
}

function shapeOf({ node, index }: Output): readonly number[] {
  return node.outputs[index].shape;
}

function lastOf(ops: readonly GraphNode[]): GraphNode {
  return ops[ops.length - 1];
}
