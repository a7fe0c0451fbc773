/**
 * Gradient boosting on features: XGBoost's and LightGBM's own libraries behind one face.
 *
 * @module tuning-fork/boost
 */

export {
  type BoostMatrix,
  type MappedMatrix,
  mapMatrix,
  matrixOf,
} from "../boost/boost-matrix";
export {
  type BoostConfig,
  type BoostSettings,
  boostSchema,
  loadBoost,
} from "../boost/boost-settings";
export type { BoosterHistory } from "../boost/boost-thread";
export { type OpenedBoosted, openBoosted } from "../boost/boosted-files";
export { type BoostedNetwork, boostedPredictor } from "../boost/boosted-predictor";
export {
  type BoostedRunOptions,
  type BoostedSettings,
  trainBoosted,
} from "../boost/boosted-run";
export {
  type BoostData,
  type BoostedTrees,
  type BoostInputs,
  type BoostOptions,
  trainTrees,
} from "../boost/boosted-trees";
export type {
  BinnedData,
  Booster,
  BoosterLibrary,
  BoosterTraining,
  LibraryConfig,
} from "../boost/booster-library";
export { cachedFeatures, type FeatureCacheOptions } from "../boost/feature-cache";
export { boosterLibraries, boosterLibrary } from "../boost/registry";
