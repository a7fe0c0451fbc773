/**
 * Answers of a trained model.
 *
 * @module tuning-fork/predict
 */
export { modelImages, type Pictures, pictureCount, pictureOf } from "../predict/image-batch";
export {
  type PredictFunction,
  type PredictOptions,
  predict,
  predictFunction,
  predictWith,
} from "../predict/predict";
export { normalize } from "../predict/preprocess";
