import type { Embedding } from "../embed/embedding";
import { type UmapOptions, umap as umapOf } from "../embed/umap";
import { withProgress } from "./progress";

/**
 * A map on which galaxies of similar features lie near each other, in a cell or a terminal: `umap` of
 * `tuning-fork/embed` with progress.
 *
 * @returns float64 `[galaxies, 2]`, row-major
 */
export function umap(embedding: Embedding, options: UmapOptions = {}): Promise<Float64Array> {
  return withProgress("mapping", (onProgress) => umapOf(embedding, { onProgress, ...options }), {
    unit: "rounds",
  });
}
