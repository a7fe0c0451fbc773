import { DT } from "../../native";
import {
  attentionNode,
  type HeadsAttention,
  type HeadsView,
  hasAttentionKernel,
  plainView,
} from "../attention-op";
import type { Trace } from "../function-trace";
import type { GraphNode, Output } from "../graph";
import { coresOfPart, processor } from "../processor";
import { onlyReaders } from "./only-readers";
import type { Pass } from "./pass";

/**
 * Attention in bfloat16, whose softmax nobody else reads, as one kernel of our own that reads queries, keys and
 * values where the layer before has written them, where the processor has tiles for it.
 */
export const fuseAttention: Pass = {
  name: "fuse-attention",
  processorsOnly: true,
  summary: "attention in predictions is one kernel, on processors with AMX",
  run: (trace, { portable, precision, parts = 1 }) =>
    portable ||
    precision !== "mixed_bfloat16" ||
    !processor().usesTiles ||
    !trace.nodes.some(({ op }) => op === "Softmax") ||
    !hasAttentionKernel()
      ? trace
      : fused(trace, coresOfPart(parts)),
};

function fused(trace: Trace, threads: number): Trace {
  const reader = onlyReaders(trace);
  const copies = new Map<GraphNode, GraphNode>();
  const there = (node: GraphNode) => copies.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => ({ node: there(node), index });
  const nodes = trace.nodes.map((node) => {
    const found = attentionEndingIn(node, reader);
    const made =
      found === undefined ? node : attentionNode(`${node.name}_attention`, found, threads);
    const copy = { ...made, inputs: made.inputs.map(moved), after: made.after.map(there) };
    copies.set(node, copy);
    return copy;
  });
  const [inputs, effects] = [trace.inputs, trace.effects].map((list) => list.map(there));
  return withoutDead({ ...trace, nodes, inputs, effects, outputs: trace.outputs.map(moved) });
}

/** What a reshape ends that puts the heads of an attention side by side. */
function attentionEndingIn(
  node: GraphNode,
  reader: ReadonlyMap<GraphNode, GraphNode | undefined>,
): HeadsAttention | undefined {
  const operand = (of: GraphNode, op: string, index = 0): GraphNode | undefined => {
    const source = of.inputs[index]?.node;
    return source?.op === op && reader.get(source) === of ? source : undefined;
  };
  if (node.op !== "Reshape" || node.outputs[0].dtype !== DT.bfloat16) return undefined;
  const joined = operand(node, "Transpose");
  if (joined === undefined || `${integers(joined.inputs[1])}` !== "0,2,1,3") return undefined;
  const weighted = operand(joined, "BatchMatMulV2");
  const weights = weighted && operand(weighted, "Softmax");
  const scores = weights && operand(weights, "BatchMatMulV2");
  const scaled = scores && operand(scores, "Mul");
  if (weighted === undefined || scores === undefined || scaled === undefined) return undefined;
  if (is(weighted, "adj_x") || is(weighted, "adj_y")) return undefined;
  if (is(scores, "adj_x") || !is(scores, "adj_y")) return undefined;
  const scale = number(scaled.inputs[1]);
  const [queries, keys, values] = [scaled.inputs[0], scores.inputs[1], weighted.inputs[1]];
  const [images, heads, count, length] = shapeOf(queries);
  const keyCount = shapeOf(keys)[2];
  const fits =
    [keys, values].every((x) => `${shapeOf(x)}` === `${[images, heads, keyCount, length]}`) &&
    `${node.outputs[0].shape}` === `${[images, count, heads * length]}`;
  if (scale === undefined || scale <= 0 || !fits) return undefined;
  return {
    views: [queries, keys, values].map(viewOf),
    sizes: [images, heads, count, keyCount, length],
    scale,
  };
}

/** Where heads `[images, heads, tokens, numbers]` lie before they are brought to the front. */
function viewOf(heads: Output): HeadsView {
  const { node } = heads;
  // The first tokens alone lie where all of them do.
  if (node.op === "Slice" && integers(node.inputs[1])?.every((from) => from === 0)) {
    const [, ...rest] = shapeOf(node.inputs[0]);
    const [, count, tokens, numbers] = shapeOf(heads);
    if (rest[0] === count && rest[2] === numbers && tokens <= rest[1])
      return viewOf(node.inputs[0]);
  }
  if (node.op === "Transpose" && `${integers(node.inputs[1])}` === "0,2,1,3") {
    const [, tokens, count, numbers] = shapeOf(node.inputs[0]);
    return {
      source: beforeReshape(node.inputs[0]),
      offset: 0,
      strides: [tokens * count * numbers, numbers, count * numbers],
    };
  }
  return partOfMany(node) ?? plainView(heads);
}

/** One of several parts `[images, tokens, parts, heads, numbers]`, as `splitHeads` takes them apart. */
function partOfMany(reshape: GraphNode): HeadsView | undefined {
  if (reshape.op !== "Reshape") return undefined;
  const { node: split, index } = reshape.inputs[0];
  const transpose = split.op === "SplitV" ? split.inputs[0].node : undefined;
  if (transpose?.op !== "Transpose") return undefined;
  if (`${integers(transpose.inputs[1])}` !== "2,0,3,1,4") return undefined;
  const [, tokens, parts, count, numbers] = shapeOf(transpose.inputs[0]);
  // One part each.
  if (integers(split.inputs[1])?.some((size) => size !== 1) !== false) return undefined;
  const token = parts * count * numbers;
  return {
    source: beforeReshape(transpose.inputs[0]),
    offset: index * count * numbers,
    strides: [tokens * token, numbers, token],
  };
}

/** The same memory before it had another shape. */
function beforeReshape(output: Output): Output {
  return output.node.op === "Reshape" ? beforeReshape(output.node.inputs[0]) : output;
}

/** What nothing that is asked for follows from, left out. */
function withoutDead(trace: Trace): Trace {
  const alive = new Set<GraphNode>(trace.inputs);
  const waiting = [...trace.effects, ...trace.outputs.map(({ node }) => node)];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (alive.has(node)) continue;
    alive.add(node);
    waiting.push(...node.inputs.map((input) => input.node), ...node.after);
  }
  return { ...trace, nodes: trace.nodes.filter((node) => alive.has(node)) };
}

function shapeOf({ node, index }: Output): readonly number[] {
  return node.outputs[index].shape;
}

function is({ attributes }: GraphNode, name: string): boolean {
  return attributes.some((a) => a.name === name && a.value === true);
}

/** The whole numbers of a constant. */
function integers({ node }: Output): number[] | undefined {
  return node.value?.dtype === DT.int32
    ? [...new Int32Array(node.value.bytes.slice().buffer)]
    : undefined;
}

/** A constant in float32, whatever it was cast to. */
function number({ node }: Output): number | undefined {
  const value = (node.op === "Cast" ? node.inputs[0].node : node).value;
  if (value?.dtype !== DT.float32 || value.bytes.length !== 4) return undefined;
  return new Float32Array(value.bytes.slice().buffer)[0];
}
