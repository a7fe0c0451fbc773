import * as tf from "@tensorflow/tfjs-core";
import { throwIfInterrupted } from "../core/kernel-host";
import type { FeatureMatrix } from "../evaluate/feature-matrix";
import { checkComparable, type Embedding } from "./embedding";

/** The galaxies that are most like some others. */
export interface Neighbors {
  /** Row in the embedding of each neighbor, int32 `[queries, k]`, the nearest first. */
  readonly rows: Int32Array;
  /** Cosine of the angle between the features of both, float32 `[queries, k]`, 1: the same direction. */
  readonly similarity: Float32Array;
  /** Neighbors of each query. */
  readonly k: number;
}

/** Galaxies whose features are multiplied at once. */
const BLOCK = 16_384;
const QUERIES = 1024;

/**
 * The galaxies most like others, by the cosine between their features, all of them compared. A query that is
 * among the galaxies is its own first neighbor.
 *
 * @param k Neighbors of each query; as many as there are galaxies at most.
 * @throws UserError where the two are not of one model
 */
export async function exactNeighbors(
  galaxies: Embedding,
  queries: Embedding,
  k: number,
): Promise<Neighbors> {
  checkComparable(queries, galaxies, "the query", "the galaxies");
  const { width } = galaxies;
  const total = galaxies.ids.length;
  const kept = Math.min(k, total);
  const [all, asked] = [unitVectors(galaxies), unitVectors(queries)];
  const count = queries.ids.length;
  const rows = new Int32Array(count * kept);
  const similarity = new Float32Array(count * kept).fill(Number.NEGATIVE_INFINITY);
  for (let q = 0; q < count; q += QUERIES) {
    const own = asked.subarray(q * width, Math.min(q + QUERIES, count) * width);
    const query = tf.tensor2d(own, [own.length / width, width]);
    try {
      for (let from = 0; from < total; from += BLOCK) {
        throwIfInterrupted();
        const block = all.subarray(from * width, Math.min(from + BLOCK, total) * width);
        const size = block.length / width;
        const best = Math.min(kept, size);
        const found = tf.tidy(() => {
          const products = tf.matMul(query, tf.tensor2d(block, [size, width]), false, true);
          return tf.topk(products, best);
        });
        const [values, indices] = await Promise.all([found.values.data(), found.indices.data()]);
        tf.dispose([found.values, found.indices]);
        for (let i = 0; i < query.shape[0]; i++) {
          for (let b = 0; b < best; b++) {
            const at = (q + i) * kept;
            insert(rows, similarity, at, kept, from + indices[i * best + b], values[i * best + b]);
          }
        }
      }
    } finally {
      query.dispose();
    }
  }
  return { rows, similarity, k: kept };
}

/** Put a neighbor at its place among the nearest so far, if it is one of them. */
function insert(
  rows: Int32Array,
  similarity: Float32Array,
  from: number,
  k: number,
  row: number,
  value: number,
): void {
  let at = from + k;
  while (at > from && similarity[at - 1] < value) at--;
  if (at === from + k) return;
  rows.copyWithin(at + 1, at, from + k - 1);
  similarity.copyWithin(at + 1, at, from + k - 1);
  rows[at] = row;
  similarity[at] = value;
}

/** Features of length 1, float32 `[galaxies, width]`; those that are all 0 stay so. */
export function unitVectors({ values, width }: FeatureMatrix): Float32Array {
  const out = Float32Array.from(values);
  for (let at = 0; at < out.length; at += width) {
    let square = 0;
    for (let f = at; f < at + width; f++) square += out[f] * out[f];
    const length = Math.sqrt(square) || 1;
    for (let f = at; f < at + width; f++) out[f] /= length;
  }
  return out;
}

/**
 * How many of the nearest galaxies a search finds.
 *
 * @param found What it found.
 * @param exact What {@link exactNeighbors} says, of the same queries.
 * @returns share of the exact neighbors that are among the found, 0 to 1
 */
export function neighborRecall(found: Neighbors, exact: Neighbors): number {
  let hits = 0;
  const queries = exact.rows.length / exact.k;
  for (let q = 0; q < queries; q++) {
    const own = new Set(found.rows.subarray(q * found.k, (q + 1) * found.k));
    for (let i = 0; i < exact.k; i++) if (own.has(exact.rows[q * exact.k + i])) hits++;
  }
  return hits / exact.rows.length;
}
