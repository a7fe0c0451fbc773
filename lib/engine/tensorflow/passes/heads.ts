import { DT } from "../../native";
import type { Precision } from "../../start";
import {
  type HeadsDropout,
  type HeadsView,
  hasAttentionKernel,
  hasFullAttentionKernel,
  plainView,
} from "../attention-op";
import type { Trace } from "../function-trace";
import { type GraphNode, type Output, shapeOf } from "../graph";
import { droppedInBody } from "./dropped-body";
import { ownKernels } from "./own-kernels";
import type { Pass } from "./pass";

/**
 * What a pass does that puts kernels of our own in the place of attentions, where there are such for the precision.
 *
 * @param rewrite Also given how many cores share a kernel, and the type of tensor that attentions are computed in.
 */
export function ofAttentions(
  rewrite: (trace: Trace, threads: number, dtype: number) => Trace,
): Pass["run"] {
  const of = (dtype: number, precision: Precision, isThere: () => boolean): Pass["run"] =>
    ownKernels(
      ({ op }) => op === "Softmax",
      isThere,
      (trace, threads) => rewrite(trace, threads, dtype),
      precision,
    );
  const low = of(DT.bfloat16, "mixed_bfloat16", hasAttentionKernel);
  const full = of(DT.float32, "float32", hasFullAttentionKernel);
  return (trace, target) => full(low(trace, target), target);
}

/** Where heads `[images, heads, tokens, numbers]` lie before they are brought to the front. */
export function viewOf(heads: Output): HeadsView {
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

/** What a call drops, and by which seed; the values themselves where it is no such call. */
export function beforeDropout(values: Output): { x: Output; dropout?: HeadsDropout } {
  const { op, body, inputs } = values.node;
  const found = op === "PartitionedCall" && body ? droppedInBody(body.outputs[0]) : undefined;
  if (found === undefined || body === undefined) return { x: values };
  const [x, seed] = [found.x, found.seed].map((one) => inputs[body.parameters.indexOf(one)]);
  return { x, dropout: { seed, least: found.least, kept: found.kept } };
}

/** Whether an attribute is there and true. */
export function is({ attributes }: GraphNode, name: string): boolean {
  return attributes.some((a) => a.name === name && a.value === true);
}

/** The whole numbers of a constant. */
export function integers({ node }: Output): number[] | undefined {
  return node.value?.dtype === DT.int32
    ? [...new Int32Array(node.value.bytes.slice().buffer)]
    : undefined;
}

/** A constant in float32, whatever it was cast to. */
export function number({ node }: Output): number | undefined {
  const value = (node.op === "Cast" ? node.inputs[0].node : node).value;
  if (value?.dtype !== DT.float32 || value.bytes.length !== 4) return undefined;
  return new Float32Array(value.bytes.slice().buffer)[0];
}
