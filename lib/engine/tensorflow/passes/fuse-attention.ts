import { attentionNode, type HeadsAttention } from "../attention-op";
import type { Trace } from "../function-trace";
import { type GraphNode, shapeOf } from "../graph";
import { beforeDropout, integers, is, number, ofAttentions, viewOf } from "./heads";
import { withOthers } from "./own-kernels";
import type { Pass } from "./pass";
import { onlyReaders } from "./readers";
import { withoutDead } from "./without-dead";

/**
 * Attention whose softmax nobody else reads, as one kernel of our own that reads queries, keys and values where the layer
 * before has written them: in bfloat16 where the processor has tiles for it, and in float32.
 */
export const fuseAttention: Pass = {
  name: "fuse-attention",
  processorsOnly: true,
  summary:
    "attention is one kernel: in bfloat16 on processors with AMX, in float32 with AVX512_BF16",
  run: ofAttentions(fused),
};

function fused(trace: Trace, threads: number, dtype: number): Trace {
  const reader = onlyReaders(trace);
  const rewritten = withOthers(trace, (node) => {
    const found = attentionEndingIn(node, reader, dtype);
    return found && attentionNode(`${node.name}_attention`, found, threads);
  });
  return withoutDead(rewritten);
}

/** What a reshape ends that puts the heads of an attention side by side. */
function attentionEndingIn(
  node: GraphNode,
  reader: ReadonlyMap<GraphNode, GraphNode | undefined>,
  dtype: number,
): HeadsAttention | undefined {
  const operand = (of: GraphNode, op: string, index = 0): GraphNode | undefined => {
    const source = of.inputs[index]?.node;
    return source?.op === op && reader.get(source) === of ? source : undefined;
  };
  if (node.op !== "Reshape" || node.outputs[0].dtype !== dtype) return undefined;
  const joined = operand(node, "Transpose");
  if (joined === undefined || `${integers(joined.inputs[1])}` !== "0,2,1,3") return undefined;
  const weighted = operand(joined, "BatchMatMulV2");
  const { x: softened, dropout } = weighted ? beforeDropout(weighted.inputs[0]) : {};
  const call = dropout && weighted && operand(weighted, "PartitionedCall");
  if (dropout !== undefined && call === undefined) return undefined;
  const weights = softened?.node.op === "Softmax" ? softened.node : undefined;
  if (weights === undefined || reader.get(weights) !== (call ?? weighted)) return undefined;
  const scores = operand(weights, "BatchMatMulV2");
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
    dropout,
  };
}
