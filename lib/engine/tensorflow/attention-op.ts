import * as tf from "@tensorflow/tfjs-core";
import { MIXING } from "../../core/random";
import { attribute, DT } from "../native";
import { type GraphNode, makeNode, type Output } from "./graph";
import { computes, triedOnce } from "./try-kernel";

/** The op of `setup/native/attention.cc`. */
export const ATTENTION = "TuningForkAttention";

/** The op of `setup/native/attention-gradient.cc`. */
export const ATTENTION_GRADIENT = "TuningForkAttentionGradient";

/** Where the heads of one operand lie in a tensor; a head's numbers of one token lie side by side. */
export interface HeadsView {
  /** The tensor, bfloat16. */
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
 * softmax(s q kᵀ) v of every head: bfloat16 `[images, queries, heads × numbers]`.
 *
 * @param threads How many cores share it.
 */
export function attentionNode(name: string, of: HeadsAttention, threads: number): GraphNode {
  const [images, heads, queries, , numbers] = of.sizes;
  return headsNode(name, ATTENTION, of, threads, [[images, queries, heads * numbers]]);
}

/**
 * The gradients of that by queries, keys and values: bfloat16 `[images, heads, tokens, numbers]` each.
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
  return headsNode(name, ATTENTION_GRADIENT, of, threads, shapes);
}

function headsNode(
  name: string,
  op: string,
  { views, sizes, scale, dropout }: HeadsAttention,
  threads: number,
  shapes: readonly (readonly number[])[],
): GraphNode {
  return makeNode(name, op, {
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
    outputs: shapes.map((shape) => ({ shape, dtype: DT.bfloat16 })),
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

const tried = triedOnce(tryAttention);

/**
 * Whether there are kernels for both: that takes a processor with AMX, a system that lets processes use it, and a
 * compiler that knew it at set-up. They are tried once, on small ones.
 */
export function hasAttentionKernel(): boolean {
  return tried(DT.bfloat16);
}

/**
 * Two keys, of which the query likes the first e times as much: (e · 1 + 1 · 3) / (e + 1). The gradient by the
 * query: ½ p (1 − p) (1 − 3) with p = e / (e + 1).
 */
function tryAttention(dtype: number): boolean {
  return tf.tidy(() => {
    const tokens = (...x: number[]) => tf.tensor(x, [1, 1, x.length, 1]);
    const given = { q: tokens(2), k: tokens(1, 0), v: tokens(1, 3), dy: tokens(1) };
    const sizes = [1, 1, 1, 2, 1] as const;
    const p = Math.E / (Math.E + 1);
    return computes(
      dtype,
      given,
      ({ dy, ...operands }) => {
        const views = Object.values(operands).map(plainView);
        const y = attentionNode("y", { views, sizes, scale: 0.5 }, 1);
        const all = [...views, plainView(dy)];
        return [y, attentionGradientNode("dq", { views: all, sizes, scale: 0.5 }, 1)];
      },
      [(Math.E + 3) / (Math.E + 1), -p * (1 - p)],
    );
  });
}
