import { UMAP } from "umap-js";
import { UserError } from "../core/errors";
import { throwIfInterrupted } from "../core/kernel-host";
import { Random } from "../core/random";
import type { Embedding } from "./embedding";
import { exactNeighbors } from "./neighbors";

/** How {@link umap} draws its map. */
export interface UmapOptions {
  /** Neighbors that each galaxy is kept near to: few show detail, many the whole. Default 15. */
  readonly neighbors?: number;
  /** How near points may lie on the map, in its own units. Default 0.1. */
  readonly minDistance?: number;
  /** Of the first places and the draws; the same seed gives the same map. Default 0. */
  readonly seed?: number;
  /** Rounds of moving points. Default: 500 for up to 2,500 galaxies, down to 200 for 10,000. */
  readonly epochs?: number;
  /** Told after each round how many are done, and of how many. Default: nobody is told. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * A map on which galaxies of similar features lie near each other (UMAP, McInnes et al. 2018,
 * arXiv:1802.03426), by the library umap-js. Distances between heaps mean nothing.
 *
 * @returns float64 `[galaxies, 2]`, row-major
 * @throws UserError for fewer galaxies than neighbors
 */
export async function umap(
  embedding: Embedding,
  { neighbors = 15, minDistance = 0.1, seed = 0, epochs, onProgress }: UmapOptions = {},
): Promise<Float64Array> {
  const { ids, values, width } = embedding;
  if (ids.length <= neighbors) {
    throw new UserError(
      `a map of ${ids.length} galaxies with ${neighbors} neighbors each cannot be drawn`,
      "give more galaxies, or fewer neighbors",
    );
  }
  const near = await exactNeighbors(embedding, embedding, neighbors + 1);
  const indices: number[][] = [];
  const distances: number[][] = [];
  for (let row = 0; row < ids.length; row++) {
    const own = Array.from(near.rows.subarray(row * near.k, (row + 1) * near.k), (other, i) => ({
      other,
      distance: Math.max(0, 1 - near.similarity[row * near.k + i]),
    }));
    const others = own.filter(({ other }) => other !== row).slice(0, neighbors - 1);
    // The library counts a galaxy as its own first neighbor.
    indices.push([row, ...others.map(({ other }) => other)]);
    distances.push([0, ...others.map(({ distance }) => distance)]);
  }
  const random = new Random(seed, "umap");
  const map = new UMAP({
    nNeighbors: neighbors,
    minDist: minDistance,
    nEpochs: epochs,
    random: () => random.uniform(),
  });
  map.setPrecomputedKNN(indices, distances);
  const rows = ids.map((_, row) => Array.from(values.subarray(row * width, (row + 1) * width)));
  const total = map.initializeFit(rows);
  for (let epoch = 1; epoch <= total; epoch++) {
    map.step();
    if (epoch % 10 > 0 && epoch < total) continue;
    throwIfInterrupted();
    onProgress?.(epoch, total);
    await new Promise<void>((next) => setImmediate(next));
  }
  return Float64Array.from(map.getEmbedding().flat());
}
