import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "../native";
import { type GraphNode, makeNode, type Output } from "./graph";
import { computes } from "./try-kernel";

/** The op of `setup/native/attention.cc`. */
export const ATTENTION = "TuningForkAttention";

/** Where the heads of one operand lie in a tensor; a head's numbers of one token lie side by side. */
export interface HeadsView {
  /** The tensor, bfloat16. */
  readonly source: Output;
  /** Elements before the first head of the first image. */
  readonly offset: number;
  /** Elements from one image, head and token to the next. */
  readonly strides: readonly [image: number, head: number, token: number];
}

/** What {@link attentionNode} computes. */
export interface HeadsAttention {
  /** Queries, keys and values. */
  readonly views: readonly HeadsView[];
  /** Images, heads, queries, keys, and numbers of a head. */
  readonly sizes: readonly [number, number, number, number, number];
  /** What scores are multiplied by, above 0. */
  readonly scale: number;
}

/**
 * softmax(s q kᵀ) v of every head: bfloat16 `[images, queries, heads × numbers]`.
 *
 * @param threads How many cores share it.
 */
export function attentionNode(
  name: string,
  { views, sizes, scale }: HeadsAttention,
  threads: number,
): GraphNode {
  const [images, heads, queries, , numbers] = sizes;
  return makeNode(name, ATTENTION, {
    attributes: [
      attribute.int("sizes", sizes),
      attribute.int(
        "views",
        views.flatMap(({ offset, strides }) => [offset, ...strides]),
      ),
      attribute.float("scale", scale),
      attribute.int("threads", threads),
    ],
    inputs: views.map(({ source }) => source),
    outputs: [{ shape: [images, queries, heads * numbers], dtype: DT.bfloat16 }],
  });
}

/** A view of a tensor `[images, heads, tokens, numbers]` as it is. */
export function plainView(source: Output): HeadsView {
  const [, heads, tokens, numbers] = source.node.outputs[source.index].shape;
  return { source, offset: 0, strides: [heads * tokens * numbers, tokens * numbers, numbers] };
}

let works: boolean | undefined;

/**
 * Whether there is a kernel for it: that takes a processor with AMX, a system that lets processes use it, and a
 * compiler that knew it at set-up. It is tried once, on a small one.
 */
export function hasAttentionKernel(): boolean {
  works ??= tryAttention();
  return works;
}

/** Two keys, of which the query likes the first e times as much: (e · 1 + 1 · 3) / (e + 1). */
function tryAttention(): boolean {
  return tf.tidy(() => {
    const tokens = (...x: number[]) => tf.tensor(x, [1, 1, x.length, 1]);
    const given = { q: tokens(2), k: tokens(1, 0), v: tokens(1, 3) };
    return computes(
      DT.bfloat16,
      given,
      ({ q, k, v }) => [
        attentionNode(
          "y",
          { views: [q, k, v].map(plainView), sizes: [1, 1, 1, 2, 1], scale: 0.5 },
          1,
        ),
      ],
      [(Math.E + 3) / (Math.E + 1)],
    );
  });
}
