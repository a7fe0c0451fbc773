/**
 * What the notebooks use. Everything else is in an entry point of its own: `tuning-fork/boost`, `/data`, `/engine`,
 * `/evaluate`, `/explain`, `/io`, `/models`, `/notebook`, `/plots`, `/predict`, `/tasks`, `/train`.
 *
 * @module tuning-fork
 */
export * as tf from "@tensorflow/tfjs-core";
export { loadBoost } from "./boost/boost-settings";
export { UserError } from "./core/errors";
export { Random } from "./core/random";
export { asNumbers, asText, type Table } from "./core/table";
export { parseAugmentation } from "./data/augment";
export type { Dataset } from "./data/dataset";
export { findDuplicates } from "./data/duplicates";
export { readSizes } from "./data/gz2-sizes";
export { augmentImages, imageStatistics, meanImages } from "./data/image-statistics";
export { observedDataset } from "./data/observed-dataset";
export { oddKinds, oddPictures } from "./data/odd-pictures";
export { openDataset } from "./data/open";
export { sameGalaxies } from "./data/same-galaxies";
export { startEngine } from "./engine/start";
export { ablationColumns, modelLabel } from "./evaluate/ablation-table";
export { pairedAgreement } from "./evaluate/agreement";
export { accuracyByColumn, columnFor } from "./evaluate/by-column";
export { reliabilityTable } from "./evaluate/calibration";
export { classifierTest } from "./evaluate/classifier-test";
export { coverageTable } from "./evaluate/conformal";
export { mostConfusedPairs } from "./evaluate/confusion";
export { frechetTest } from "./evaluate/frechet-distance";
export { scoreInterval, wilsonInterval } from "./evaluate/intervals";
export { kolmogorovSmirnov } from "./evaluate/kolmogorov-smirnov";
export { rankLabelErrors } from "./evaluate/label-errors";
export { labelShift } from "./evaluate/label-shift";
export { simulateLabeling } from "./evaluate/labeling";
export { mcNemar } from "./evaluate/mcnemar";
export { maximumMeanDiscrepancy } from "./evaluate/mean-discrepancy";
export { classificationMetrics } from "./evaluate/metrics";
export { comparisonTable, pairedTable } from "./evaluate/model-table";
export {
  compareDetectors,
  outlierDetectors,
  outlierThreshold,
  thresholdCost,
} from "./evaluate/outliers";
export { createPredictions, type Predictions } from "./evaluate/predictions";
export { readPredictions, writePredictions } from "./evaluate/predictions-file";
export { retention } from "./evaluate/retention";
export { evaluate, type Summary } from "./evaluate/summary";
export { atTemperature, fitTemperature } from "./evaluate/temperature";
export { withTruth } from "./evaluate/truth";
export { atConcentrations, fitConcentrations } from "./evaluate/vote-calibration";
export { voteCoverage } from "./evaluate/vote-coverage";
export { type VoteMetrics, voteMetrics } from "./evaluate/vote-metrics";
export type { VotePredictions } from "./evaluate/vote-predictions";
export { splitUncertainty } from "./evaluate/vote-uncertainty";
export { compareExplanations } from "./explain/compare";
export { headGrid } from "./explain/head-grid";
export { meanLocalization } from "./explain/localization";
export { explain } from "./explain/methods";
export { pickGalaxies, readPicked } from "./explain/pick";
export { rotationConsistency } from "./explain/rotation";
export { readCsv } from "./io/csv";
export { dataFolder, resultsFolder } from "./io/paths";
export { modelSummary, parameterCount } from "./models/model-summary";
export type { Model } from "./models/module";
export { ablate } from "./notebook/ablate";
export { liveFigure, showFigure } from "./notebook/figures";
export { showImages } from "./notebook/images";
export { untilInterrupted } from "./notebook/interrupt";
export { showMarkdown } from "./notebook/markdown";
export { ModelStudy } from "./notebook/model-study";
export { progress } from "./notebook/progress";
export { saveTable } from "./notebook/save-table";
export { studyFigures, writeStudyTables } from "./notebook/study-files";
export { showTable } from "./notebook/tables";
export { evaluateRun, showTraining, train } from "./notebook/training";
export { variables } from "./notebook/variables";
export { ablationHeatMap } from "./plots/ablation-heat-map";
export { accuracyCurve } from "./plots/accuracy-curve";
export { answerBars } from "./plots/answer-bars";
export { attentionGrid } from "./plots/attention-grid";
export { augmentationSheet } from "./plots/augmentation-sheet";
export { classDistribution } from "./plots/class-distribution";
export { confusionMatrix } from "./plots/confusion-matrix";
export { distributionComparison } from "./plots/distribution-comparison";
export { embeddingScatter } from "./plots/embedding-scatter";
export { exportFigure, exportFigures } from "./plots/export-figures";
export type { Figure } from "./plots/figure";
export { modelComparison } from "./plots/model-comparison";
export { outlierHeatMap } from "./plots/outlier-heat-map";
export { panels } from "./plots/panels";
export { perClassBars } from "./plots/per-class-bars";
export { permutationPanels } from "./plots/permutation-panels";
export { pictureUris } from "./plots/pictures";
export { type PreflightReport, preflightColumns } from "./plots/preflight";
export { reliabilityDiagram } from "./plots/reliability-diagram";
export { runCaption, runFigures } from "./plots/run-figures";
export { saliencyOverlay } from "./plots/saliency-overlay";
export { sampleGrid } from "./plots/sample-grid";
export { scoreCurves } from "./plots/score-curves";
export { setCoverage } from "./plots/set-coverage";
export { trainingCurves } from "./plots/training-curves";
export { votePosterior } from "./plots/vote-posterior";
export { voteTree } from "./plots/vote-tree";
export { networkPredictor, predict } from "./predict/network-predictor";
export { seenPictures } from "./predict/seen";
export { readAblation } from "./train/ablation";
export { loadAblation } from "./train/ablation-config";
export type { ExperimentConfig } from "./train/config";
export { settingsColumns } from "./train/config-columns";
export { loadConfig } from "./train/config-file";
export type { Experiment } from "./train/experiment";
export { openSplit } from "./train/experiment-data";
export { openExperiment, openExperiments, readResults } from "./train/open-experiment";
export { findRuns, RunFolder } from "./train/run-folder";
export { type RunResult, readRun } from "./train/run-result";
export { validationPredictions } from "./train/validation-predictions";
