export * as tf from "@tensorflow/tfjs-core";
export { d4Symmetries } from "./core/d4";
export { UserError } from "./core/errors";
export { Random } from "./core/random";
export { asNumbers, asText, type Table } from "./core/table";
export { augmentationPresets, parseAugmentation } from "./data/augment";
export { augmentationExamples } from "./data/augment-examples";
export { mixBatch } from "./data/augment-mix";
export { d4Symmetry } from "./data/augment-warp";
export { crossMatch } from "./data/cross-match";
export { fetchCutouts } from "./data/cutouts";
export type { Dataset } from "./data/dataset";
export { findDuplicates } from "./data/duplicates";
export { exportFolders } from "./data/export";
export { openFits } from "./data/fits";
export { fitsRgb, writePicture } from "./data/fits-image";
export { gz2MainQuestions, gz2Questions } from "./data/galaxy-zoo-tree";
export { galaxy10DecalsClasses, galaxy10SdssClasses } from "./data/galaxy10";
export { augmentImages, imageStatistics, meanImages } from "./data/image-statistics";
export { batches, cached } from "./data/loader";
export { legacyRgb, luptonRgb } from "./data/lupton";
export { openDataset } from "./data/open";
export { datasets } from "./data/registry";
export { balancedRows } from "./data/sampling";
export {
  loadSplit,
  rowsOfSplit,
  saveSplit,
  splitPresets,
  stratifiedSplit,
  takeFraction,
} from "./data/splits";
export { makeSynthetic } from "./data/synthetic";
export { compile } from "./engine/compile";
export { exportSavedModel } from "./engine/export";
export { firstNotFinite } from "./engine/finite";
export * as ops from "./engine/ops";
export { clipByGlobalNorm, createOptimizer, moveAverages, squaredNorms } from "./engine/optimizers";
export { type EngineInfo, startEngine } from "./engine/start";
export { ablationColumns, ablationCsv, ablationLatex, ablationTable } from "./evaluate/ablation";
export { accuracyByColumn, columnFor } from "./evaluate/by-column";
export { reliabilityTable } from "./evaluate/calibration";
export { mostConfidentMistakes, mostConfusedPairs } from "./evaluate/confusion";
export { ensemblePredictions, ensembleVotes, ensembleWeights } from "./evaluate/ensemble";
export { scoreInterval } from "./evaluate/intervals";
export { mcNemar } from "./evaluate/mcnemar";
export { classificationMetrics } from "./evaluate/metrics";
export { createPredictions, type Predictions } from "./evaluate/predictions";
export { readPredictions, writePredictions } from "./evaluate/predictions-file";
export { evaluate, type Summary } from "./evaluate/summary";
export { atTemperature, fitTemperature } from "./evaluate/temperature";
export { withTruth } from "./evaluate/truth";
export { evaluateVotes } from "./evaluate/votes";
export { readVotes, writeVotes } from "./evaluate/votes-file";
export { attentionMaps, captureAttention, headMaps } from "./explain/attention";
export { compareExplanations } from "./explain/compare";
export { gradCam } from "./explain/grad-cam";
export { guidedBackprop } from "./explain/guided-backprop";
export { headGrid } from "./explain/head-grid";
export { integratedGradients } from "./explain/integrated-gradients";
export { ellipseMask, localization, meanLocalization } from "./explain/localization";
export { mapOf, modelImages } from "./explain/maps";
export { explain, explanationMethods, methodsFor } from "./explain/methods";
export { occlusion } from "./explain/occlusion";
export { pickGalaxies, readPicked } from "./explain/pick";
export { relevance } from "./explain/relevance";
export { rollout } from "./explain/rollout";
export { rotationConsistency } from "./explain/rotation";
export { csvHeader, readCsv } from "./io/csv";
export { download } from "./io/download";
export { dataFolder, projectFolder, resultsFolder } from "./io/paths";
export type { ModelDescription } from "./models/description";
export { freeze } from "./models/freeze";
export { loadModel, loadWeights, saveModel } from "./models/model-file";
export type { Context, Model } from "./models/module";
export { createModel, listModels } from "./models/registry";
export { countFlops, modelSummary, parameterCount } from "./models/summary";
export { writeWebModel } from "./models/web-format";
export { createPretrained, fetchWeights } from "./models/weights";
export { ablate } from "./notebook/ablation";
export { liveFigure, showFigure } from "./notebook/figures";
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
export { confusedPairs } from "./plots/confused-pairs";
export { confusionMatrix } from "./plots/confusion-matrix";
export { distributionComparison } from "./plots/distribution-comparison";
export { embeddingScatter } from "./plots/embedding-scatter";
export { exportFigure, exportFigures } from "./plots/export";
export type { Figure } from "./plots/figure";
export { hexBins } from "./plots/hex-bins";
export { imageGrid } from "./plots/image-grid";
export { modelComparison } from "./plots/model-comparison";
export { panels } from "./plots/panels";
export { perClassBars } from "./plots/per-class-bars";
export { pictureUris } from "./plots/pictures";
export { rankingCurves } from "./plots/ranking-curves";
export { reliabilityDiagram } from "./plots/reliability-diagram";
export { runFigures } from "./plots/run-figures";
export { saliencyOverlay } from "./plots/saliency-overlay";
export { sampleGrid } from "./plots/sample-grid";
export { trainingCurves } from "./plots/training-curves";
export { predict } from "./predict/predict";
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
export { findRuns, RunFolder } from "./train/run-folder";
