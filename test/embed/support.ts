import { Random } from "#lib/core/random";
import type { Embedding } from "#lib/embed/embedding";

/** Features in as many heaps as there are labels; of each galaxy `[heap center, plus noise]`. */
export function heaps({
  rows = 300,
  width = 8,
  heaps: count = 3,
  spread = 0.3,
  seed = 0,
} = {}): Embedding & { readonly labels: number[] } {
  const random = new Random(seed, "heaps");
  const centers = Float64Array.from({ length: count * width }, () => random.normal(0, 1));
  const labels = Array.from({ length: rows }, (_, row) => row % count);
  const values = Float32Array.from({ length: rows * width }, (_, i) => {
    const row = Math.floor(i / width);
    return centers[labels[row] * width + (i % width)] + random.normal(0, spread);
  });
  const ids = labels.map((_, row) => `g${row}`);
  return { ids, values, width, labels, source: { model: "vit", weights: "00ff", data: "heaps" } };
}
