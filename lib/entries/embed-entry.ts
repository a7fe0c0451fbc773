/**
 * What a network sees in galaxies as numbers: files of them, galaxies like others, maps, clusters, strange ones.
 *
 * @module tuning-fork/embed
 */
export { compareStrangeness, type StrangenessRow } from "../embed/compare-strangeness";
export { embedGalaxies } from "../embed/embed-galaxies";
export {
  checkComparable,
  type Embedding,
  type EmbeddingSource,
  embeddingRows,
  weightsDigest,
} from "../embed/embedding";
export { readEmbedding, type WriteEmbeddingOptions, writeEmbedding } from "../embed/embedding-file";
export { type Clusters, clusterTable, type KMeansOptions, kMeans } from "../embed/k-means";
export { exactNeighbors, type Neighbors, neighborRecall } from "../embed/neighbors";
export { type PrincipalComponents, principalComponents } from "../embed/principal-components";
export {
  type LabeledEmbedding,
  type ProbeOptions,
  type ProbeScore,
  probeFeatures,
} from "../embed/probe";
export { SimilarityIndex, type SimilarityIndexOptions } from "../embed/similarity-index";
export {
  BEST_RATING,
  type RatingRound,
  rankAgain,
  type SimulatedRating,
  type SimulateRatingOptions,
  type StrangenessOptions,
  simulateRating,
  strangeness,
  strangest,
} from "../embed/strangeness";
export { type UmapOptions, umap } from "../embed/umap";
