import { type Embedding, exactNeighbors, readEmbedding, SimilarityIndex } from "tuning-fork/embed";
import { expectType, type Same } from "./expect-type";

export async function calls() {
  const galaxies = await readEmbedding("part-1.parquet", "part-2.parquet");
  expectType<Same<typeof galaxies, Embedding>>();
  const index = await SimilarityIndex.build(galaxies, { connectivity: 32 });
  const { rows } = index.search(galaxies, 10);
  expectType<Same<typeof rows, Int32Array<ArrayBufferLike>>>();
  // @ts-expect-error: how many neighbors
  await exactNeighbors(galaxies, galaxies);
  // @ts-expect-error: an index is built or opened
  return new SimilarityIndex();
}
