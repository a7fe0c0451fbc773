import * as tf from "@tensorflow/tfjs-core";
import { nativeEngine } from "./native";

/**
 * In how many parts a batch is computed side by side on this machine: one a core, up to eight, where its
 * processor is faster by them. 1 elsewhere, on a GPU, and without the native engine.
 */
export function usualParts(): number {
  return nativeEngine()?.parts ?? 1;
}

/**
 * Compute a function of a batch in parts, which a graph that was compiled for as many computes side by side:
 * one core a part instead of all cores in one op after another, most of which are too small to be shared out.
 *
 * Only for what treats each element of the batch by itself: no batch norm that learns.
 *
 * @param x `[batch, …]`
 * @param parts Of a batch with fewer elements each is a part.
 * @param fn Also given the part's number, from 0: for seeds, see {@link partSeed}.
 * @returns what `fn` gives, `[batch, …]` again
 */
export function inParts<X extends tf.Tensor, Y extends tf.Tensor>(
  x: X,
  parts: number,
  fn: (part: X, index: number) => Y,
): Y {
  const [batch, ...rest] = x.shape;
  const count = Math.min(parts, batch);
  if (count <= 1) return fn(x, 0);
  const edges = Array.from({ length: count + 1 }, (_, i) => Math.floor((i * batch) / count));
  const results = edges.slice(1).map((end, i) => {
    const from = [edges[i], ...rest.map(() => 0)];
    return fn(tf.slice(x, from, [end - edges[i], ...rest]), i);
  });
  return tf.concat<Y>(results, 0);
}

/**
 * The seed of a part: the batch's own for the first, others far from it for the rest.
 *
 * @param seed int32 `[2]`
 */
export function partSeed(seed: tf.Tensor, part: number): tf.Tensor {
  return part === 0 ? seed : tf.add(seed, tf.tensor1d([Math.imul(part, FAR), 0], "int32"));
}

/** 2³² over the golden ratio: multiples of it are never near each other. */
const FAR = 0x9e3779b9;
