import * as tf from "@tensorflow/tfjs-core";
import { MIXING } from "../../core/random";
import { attribute, DT } from "../native";
import { type GraphNode, makeNode, type Output } from "./graph";
import { processor } from "./processor";
import { computes, triedOnce } from "./try-kernel";

/** The op of `setup/native/attention.cc`. */
export const ATTENTION = "TuningForkAttention";

/** The op of `setup/native/full-attention.cc`. */
export const FULL_ATTENTION = "TuningForkFullAttention";

/** The op of `setup/native/attention-gradient.cc`. */
export const ATTENTION_GRADIENT = "TuningForkAttentionGradient";

/** The op of `setup/native/full-attention-gradient.cc`. */
export const FULL_ATTENTION_GRADIENT = "TuningForkFullAttentionGradient";

/** Where the heads of one operand lie in a tensor; a head's numbers of one token lie side by side. */
export interface HeadsView {
  /** The tensor, bfloat16 or float32. */
  readonly source: Output;
  /** Elements before the first head of the first image. */
  readonly offset: number;
  /** Elements from one image, head and token to the next. */
  readonly strides: readonly [image: number, head: number, token: number];
}

/** What {@link attentionNode} and {@link attentionGradientNode} compute of. */
export interface HeadsAttention {
  /** Queries, keys and values; for the gradient, that by the result as well. */
  readonly views: readonly HeadsView[];
  /** Images, heads, queries, keys, and numbers of a head. */
  readonly sizes: readonly [number, number, number, number, number];
  /** What scores are multiplied by, above 0. */
  readonly scale: number;
  /** Which weights are dropped; none by default. */
  readonly dropout?: HeadsDropout;
}

/** As `dropped` computes it. */
export interface HeadsDropout {
  /** int32 `[2]` */
  readonly seed: Output;
  /** Random bits from which on a weight stays, as signed integers are ordered. */
  readonly least: number;
  /** What those that stay are multiplied by: 1 / (1 − rate). */
  readonly kept: number;
}

/**
 * softmax(s q kᵀ) v of every head, in the operands' type: `[images, queries, heads × numbers]`.
 *
 * @param threads How many cores share it.
 */
export function attentionNode(name: string, of: HeadsAttention, threads: number): GraphNode {
  const [images, heads, queries, , numbers] = of.sizes;
  const ops = { low: ATTENTION, full: FULL_ATTENTION };
  return headsNode(name, ops, of, threads, [[images, queries, heads * numbers]]);
}

/**
 * The gradients of that by queries, keys and values, in the operands' type: `[images, heads, tokens, numbers]` each.
 *
 * @param threads How many cores share it.
 */
export function attentionGradientNode(
  name: string,
  of: HeadsAttention,
  threads: number,
): GraphNode {
  const [images, heads, queries, keys, numbers] = of.sizes;
  const shapes = [queries, keys, keys].map((tokens) => [images, heads, tokens, numbers]);
  const ops = { low: ATTENTION_GRADIENT, full: FULL_ATTENTION_GRADIENT };
  return headsNode(name, ops, of, threads, shapes);
}

function headsNode(
  name: string,
  ops: { readonly low: string; readonly full: string },
  { views, sizes, scale, dropout }: HeadsAttention,
  threads: number,
  shapes: readonly (readonly number[])[],
): GraphNode {
  const { dtype } = views[0].source.node.outputs[views[0].source.index];
  return makeNode(name, dtype === DT.float32 ? ops.full : ops.low, {
    attributes: [
      attribute.int("sizes", sizes),
      attribute.int(
        "views",
        views.flatMap(({ offset, strides }) => [offset, ...strides]),
      ),
      attribute.float("scale", scale),
      attribute.int("threads", threads),
      attribute.types("S", dropout === undefined ? [] : [DT.int32]),
      attribute.int("least", dropout?.least ?? 0),
      attribute.float("kept", dropout?.kept ?? 1),
      attribute.int("mixing", [...MIXING.steps.flat(), MIXING.last]),
    ],
    inputs: [
      ...views.map(({ source }) => source),
      ...(dropout === undefined ? [] : [dropout.seed]),
    ],
    outputs: shapes.map((shape) => ({ shape, dtype })),
  });
}

/** A view of a tensor `[images, heads, tokens, numbers]` as it is. */
export function plainView(source: Output): HeadsView {
  const [, heads, tokens, numbers] = source.node.outputs[source.index].shape;
  return { source, offset: 0, strides: [heads * tokens * numbers, tokens * numbers, numbers] };
}

/** A view of a tensor `[images, tokens, heads × numbers]`, of so many heads. */
export function joinedView(source: Output, heads: number): HeadsView {
  const [, tokens, width] = source.node.outputs[source.index].shape;
  return { source, offset: 0, strides: [tokens * width, width / heads, width] };
}

/** Of a small attention: a query, two keys and their values, and the gradient by the result. */
const SIZES = [1, 1, 1, 2, 1] as const;
const tokens = (...x: number[]) => tf.tensor(x, [1, 1, x.length, 1]);
/** How much of the first value there is in its result: scores are 1 and 0. */
const SHARE = Math.E / (Math.E + 1);

const tried = triedOnce((dtype) =>
  tf.tidy(() =>
    computes(
      dtype,
      { q: tokens(2), k: tokens(1, 0), v: tokens(1, 3), dy: tokens(1) },
      ({ dy, ...operands }) => {
        const views = Object.values(operands).map(plainView);
        const small = { views, sizes: SIZES, scale: 0.5 };
        const back = { ...small, views: [...views, plainView(dy)] };
        return [attentionNode("y", small, 1), attentionGradientNode("dq", back, 1)];
      },
      // By the query: ½ p (1 − p) (1 − 3).
      [SHARE + 3 * (1 - SHARE), -SHARE * (1 - SHARE)],
    ),
  ),
);

/**
 * Whether there are kernels for both in bfloat16: that takes a processor with AMX, a system that lets processes use it, and a
 * compiler that knew it at set-up. They are tried once, on small ones.
 */
export function hasAttentionKernel(): boolean {
  return processor().usesTiles && tried(DT.bfloat16);
}

/** Whether there are kernels for both in float32: on processors with AVX512_BF16, where GCC 11 or newer made them. */
export function hasFullAttentionKernel(): boolean {
  return processor().packsBfloat16 && tried(DT.float32);
}
