/**
 * Answers of a trained model.
 *
 * @module tuning-fork/predict
 */
export {
  type AnswerOptions,
  answerFunction,
  type DropoutOptions,
  featureFunction,
  type ImageFunction,
  meanOfSamples,
  type PassOptions,
  type SampleFunction,
  sampleFunction,
} from "../predict/answers";
export {
  accuracyUnderShift,
  type ControlledShift,
  type ShiftedAccuracy,
} from "../predict/controlled-shift";
export { ensemblePredictor } from "../predict/ensemble-predictor";
export { modelImages, type Pictures, pictureCount, pictureOf } from "../predict/image-batch";
export { type MatchingCrop, matchingCrop } from "../predict/matching-crop";
export { type NetworkOptions, networkPredictor, predict } from "../predict/network-predictor";
export { type Catalog, type CatalogColumn, predictionCatalog } from "../predict/prediction-catalog";
export { writeCatalog } from "../predict/prediction-catalog-file";
export type { Features, Predictor } from "../predict/predictor";
export { normalize } from "../predict/preprocess";
export { type PictureSet, type SeenPictures, seenPictures } from "../predict/seen";
