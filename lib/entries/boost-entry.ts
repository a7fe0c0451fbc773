/**
 * Gradient boosting on features: XGBoost's and LightGBM's own libraries behind one face.
 *
 * @module tuning-fork/boost
 */
export { type BoostConfig, type BoostSettings, boostSchema } from "../boost/boost-settings";
export type { BoosterHistory } from "../boost/boost-thread";
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
export {
  type FeatureMatrix,
  type MappedMatrix,
  mapMatrix,
  matrixOf,
} from "../boost/feature-matrix";
export { boosterLibraries, boosterLibrary } from "../boost/registry";
