export * as tf from "@tensorflow/tfjs-core";
export { parseAugmentation } from "./data/augment";
export { readCsv } from "./data/csv";
export type { Dataset } from "./data/dataset";
export { findDuplicates } from "./data/duplicates";
export { augmentImages, imageStatistics, meanImages } from "./data/image-statistics";
export { openDataset } from "./data/open";
export { asNumbers, asText, type Table } from "./data/table";
export { type EngineInfo, startEngine } from "./engine/start";
export { UserError } from "./errors";
export { ablationColumns } from "./evaluate/ablation";
export { accuracyByColumn, columnFor } from "./evaluate/by-column";
export { mostConfusedPairs } from "./evaluate/confusion";
export { mcNemar, scoreInterval } from "./evaluate/intervals";
export { type Predictions, readPredictions, writePredictions } from "./evaluate/predictions";
export { evaluate, type Summary } from "./evaluate/summary";
export { attentionMaps, captureAttention, headMaps } from "./explain/attention";
export { compareExplanations } from "./explain/compare";
export { headGrid } from "./explain/head-grid";
export { ellipseMask, localisation, meanLocalisation } from "./explain/localisation";
export { explain, explanationMethods, methodsFor } from "./explain/methods";
export { pickGalaxies, readPicked } from "./explain/pick";
export { rollout } from "./explain/rollout";
export { rotationConsistency } from "./explain/rotation";
export { createModel, listModels } from "./models/registry";
export { loadStateDict } from "./models/state-dict";
export { modelSummary, parameterCount } from "./models/summary";
export { ablate } from "./notebook/ablation";
export { showFigure } from "./notebook/figures";
export { showImages } from "./notebook/images";
export { untilInterrupted } from "./notebook/interrupt";
export { showMarkdown } from "./notebook/markdown";
export { progress } from "./notebook/progress";
export { showTable } from "./notebook/tables";
export { showTraining, train } from "./notebook/training";
export { ablationHeatMap } from "./plots/ablation-heat-map";
export { accuracyCurve } from "./plots/accuracy-curve";
export { attentionGrid } from "./plots/attention-grid";
export { augmentationSheet } from "./plots/augmentation-sheet";
export { runCaption } from "./plots/captions";
export { classDistribution } from "./plots/class-distribution";
export { confusionMatrix } from "./plots/confusion-matrix";
export { distributionComparison } from "./plots/distribution-comparison";
export { embeddingScatter } from "./plots/embedding-scatter";
export { exportFigures } from "./plots/export";
export type { Figure } from "./plots/figure";
export { modelComparison } from "./plots/model-comparison";
export { panels } from "./plots/panels";
export { perClassBars } from "./plots/per-class-bars";
export { runFigures } from "./plots/run-figures";
export { saliencyOverlay } from "./plots/saliency-overlay";
export { sampleGrid } from "./plots/sample-grid";
export { trainingCurves } from "./plots/training-curves";
export { loadAblation, readAblation } from "./train/ablation";
export type { Experiment } from "./train/config";
export { settingsColumns } from "./train/config";
export { loadExperiment, loadExperiments } from "./train/config-file";
export {
  createExperimentModel,
  experimentSize,
  openExperimentData,
  openTrainedModel,
  recordEvaluation,
  runExperiment,
} from "./train/experiment";
export { fit } from "./train/fit";
export { predict } from "./train/predict";
export { findRuns, RunFolder, resultsFolder } from "./train/run-folder";
