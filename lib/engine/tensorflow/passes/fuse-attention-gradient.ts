import {
  attentionGradientNode,
  type HeadsAttention,
  type HeadsDropout,
  joinedView,
} from "../attention-op";
import type { Trace } from "../function-trace";
import { type GraphNode, type Output, shapeOf } from "../graph";
import { droppedInBody, uncast } from "./dropped-body";
import { beforeDropout, integers, is, number, ofAttentions, viewOf } from "./heads";
import type { Pass } from "./pass";
import { type Readers, readersOf } from "./readers";
import { withoutDead } from "./without-dead";

/**
 * The gradients of an attention, as `attention` writes them, as one kernel of our own, where there is one for it. It computes the
 * softmax anew, so that `fuse-attention` finds one that nobody else reads.
 */
export const fuseAttentionGradient: Pass = {
  name: "fuse-attention-gradient",
  processorsOnly: true,
  summary: "the gradients of attention are one kernel, where attention is one",
  run: ofAttentions(fused),
};

/** The gradients of one attention by queries, keys and values, and what computes them. */
interface Found {
  readonly of: HeadsAttention;
  readonly gradients: readonly GraphNode[];
}

function fused(trace: Trace, threads: number, dtype: number): Trace {
  const readers = readersOf(trace);
  const places = new Map<GraphNode, Found>();
  for (const node of trace.nodes) {
    const found = gradientsAround(node, readers, dtype);
    if (found !== undefined) for (const gradient of found.gradients) places.set(gradient, found);
  }
  if (places.size === 0) return trace;
  const kernels = new Map<Found, GraphNode>();
  const copies = new Map<GraphNode, GraphNode>();
  const there = (node: GraphNode) => copies.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => {
    const found = places.get(node);
    return { node: there(node), index: found?.gradients.indexOf(node) ?? index };
  };
  const nodes = trace.nodes.flatMap((node) => {
    const found = places.get(node);
    const known = found && kernels.get(found);
    if (known !== undefined) {
      copies.set(node, known);
      return [];
    }
    const made =
      found === undefined
        ? node
        : attentionGradientNode(`${node.name}_gradients`, found.of, threads);
    const copy = { ...made, inputs: made.inputs.map(moved), after: node.after.map(there) };
    copies.set(node, copy);
    if (found !== undefined) kernels.set(found, copy);
    return [copy];
  });
  const [inputs, effects] = [trace.inputs, trace.effects].map((list) => list.map(there));
  return withoutDead({ ...trace, nodes, inputs, effects, outputs: trace.outputs.map(moved) });
}

/** What a gradient by scores that were softened, P (dP − Σ P dP), stands in the middle of. */
function gradientsAround(ds: GraphNode, readers: Readers, dtype: number): Found | undefined {
  const around = softmaxGradient(ds);
  if (around === undefined) return undefined;
  const { p, dp, level, dropout } = around;
  const softmax = behind(p).node;
  const scores = softmax.inputs[0]?.node;
  if (softmax.op !== "Softmax" || !isProduct(scores, "adj_y")) return undefined;
  const [scaled, k] = scores.inputs;
  const scale = scaled.node.op === "Mul" ? number(scaled.node.inputs[1]) : undefined;
  if (scale === undefined || scale <= 0 || !isProduct(dp.node, "adj_y")) return undefined;
  const q = scaled.node.inputs[0];
  const [dValues, v] = dp.node.inputs;
  const dy = beforeHeads(dValues.node);
  const nodesAfter = (node: GraphNode) => [
    ...new Set((readers.get(node) ?? []).flatMap(({ by }) => by ?? [])),
  ];
  // Where P is multiplied, it is dropped alike.
  const productsOf = (weights: GraphNode) =>
    dropout === undefined ? nodesAfter(weights) : nodesAfter(weights).flatMap(nodesAfter);
  const isWeighted = (weights: Output) => {
    const { x, dropout: other } = beforeDropout(weights);
    return (
      same(x, p) &&
      other?.least === dropout?.least &&
      (dropout === undefined || (other !== undefined && same(other.seed, dropout.seed)))
    );
  };
  // The attention itself, whose result the level is computed of.
  const weighted = productsOf(softmax).find(
    (node) => isProduct(node) && isWeighted(node.inputs[0]) && same(node.inputs[1], v),
  );
  const joined = weighted && nodesAfter(nodesAfter(weighted)[0])[0];
  if (dy === undefined || joined === undefined || !isLevel(level.node, dy, joined))
    return undefined;
  const isScaled = ({ op, inputs }: GraphNode, of: Output) =>
    op === "Mul" && same(inputs[0], of) && number(inputs[1]) === scale;
  const byKeys = nodesAfter(ds).find(
    (node) => isProduct(node) && node.inputs[0].node === ds && same(node.inputs[1], k),
  );
  const [dq, ...more] = byKeys === undefined ? [] : nodesAfter(byKeys);
  const dk = nodesAfter(ds).find(
    (node) =>
      isProduct(node, "adj_x") && node.inputs[0].node === ds && isScaled(node.inputs[1].node, q),
  );
  const dv = productsOf(p.node).find(
    (node) =>
      isProduct(node, "adj_x") &&
      isWeighted(node.inputs[0]) &&
      node.inputs[1].node === dValues.node,
  );
  if (byKeys === undefined || dq === undefined || dk === undefined || dv === undefined)
    return undefined;
  if (more.length > 0 || !isScaled(dq, { node: byKeys, index: 0 })) return undefined;
  const [images, heads, queries, length] = shapeOf(q);
  const keys = shapeOf(k)[2];
  const fits =
    [k, v].every((x) => `${shapeOf(x)}` === `${[images, heads, keys, length]}`) &&
    [q, k, v, dy].every(({ node, index }) => node.outputs[index].dtype === dtype) &&
    `${shapeOf(dy)}` === `${[images, queries, heads * length]}`;
  if (!fits) return undefined;
  return {
    of: {
      views: [...[q, k, behind(v)].map(viewOf), joinedView(dy, heads)],
      sizes: [images, heads, queries, keys, length],
      scale,
      dropout,
    },
    gradients: [dq, dk, dv],
  };
}

/** The operands of a call that computes P (dP − level), dP dropped as P was or not. */
interface SoftmaxGradient {
  readonly p: Output;
  readonly dp: Output;
  readonly level: Output;
  readonly dropout?: HeadsDropout;
}

function softmaxGradient({ op, body, inputs }: GraphNode): SoftmaxGradient | undefined {
  if (op !== "PartitionedCall" || body === undefined) return undefined;
  const product = uncast(body.outputs[0]);
  const difference = product.op === "Mul" ? uncast(product.inputs[1]) : undefined;
  if (difference?.op !== "Sub") return undefined;
  const found = droppedInBody(difference.inputs[0]);
  const of = (node: GraphNode) => inputs[body.parameters.indexOf(node)];
  const [p, dp, level] = [
    uncast(product.inputs[0]),
    found?.x ?? uncast(difference.inputs[0]),
    uncast(difference.inputs[1]),
  ].map(of);
  if ([p, dp, level].includes(undefined as never)) return undefined;
  if (found === undefined) return { p, dp, level };
  const { least, kept } = found;
  return { p, dp, level, dropout: { seed: of(found.seed), least, kept } };
}

/** Whether Σ dy y over each head's numbers, heads in front. */
function isLevel(level: GraphNode, dy: Output, y: GraphNode): boolean {
  if (level.op !== "Transpose" || `${integers(level.inputs[1])}` !== "0,2,1,3") return false;
  const sum = level.inputs[0].node;
  if (sum.op !== "Sum" || !["-1", "3"].includes(`${integers(sum.inputs[1])}`)) return false;
  const reshape = sum.inputs[0].node.op === "Cast" ? sum.inputs[0].node.inputs[0] : sum.inputs[0];
  const product = reshape.node.op === "Reshape" ? reshape.node.inputs[0].node : undefined;
  return (
    product?.op === "Mul" && same(product.inputs[0], dy) && behind(product.inputs[1]).node === y
  );
}

/** `[images, tokens, heads × numbers]`, before its heads were brought to the front. */
function beforeHeads({ op, inputs }: GraphNode): Output | undefined {
  if (op !== "Transpose" || `${integers(inputs[1])}` !== "0,2,1,3") return undefined;
  return inputs[0].node.op === "Reshape" ? inputs[0].node.inputs[0] : undefined;
}

/** Whether a product of matrices has that operand turned and the other not; neither by default. */
function isProduct(node: GraphNode, turned?: "adj_x" | "adj_y"): boolean {
  return (
    node.op === "BatchMatMulV2" &&
    (["adj_x", "adj_y"] as const).every((name) => is(node, name) === (name === turned))
  );
}

/** What an `Identity` passes on, which only waits for something. */
function behind(output: Output): Output {
  return output.node.op === "Identity" ? behind(output.node.inputs[0]) : output;
}

function same(a: Output, b: Output): boolean {
  const [one, other] = [behind(a), behind(b)];
  return one.node === other.node && one.index === other.index;
}
