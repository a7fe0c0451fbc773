/**
 * Prediction tables: metrics, calibration, intervals, ensembles, ablation tables.
 *
 * @module tuning-fork/evaluate
 */
export {
  type AblationFailure,
  type AblationRow,
  type AblationRun,
  type AblationTable,
  ablationColumns,
  ablationCsv,
  ablationLatex,
  ablationTable,
  type Breakdown,
  modelLabel,
} from "../evaluate/ablation-table";
export { bald, kCenter, leastSure } from "../evaluate/acquisition";
export { type Agreement, pairedAgreement } from "../evaluate/agreement";
export {
  type AccuracyBin,
  type AccuracyByColumnOptions,
  accuracyByColumn,
  columnFor,
} from "../evaluate/by-column";
export {
  chanceCalibrationError,
  expectedCalibrationError,
  type ReliabilityBin,
  reliabilityTable,
} from "../evaluate/calibration";
export {
  checkClassNames,
  classIndices,
  expectedClass,
  unionOfClasses,
} from "../evaluate/class-names";
export {
  type ClassScores,
  type ConfusionScores,
  confusionScores,
} from "../evaluate/classification-scores";
export { type ClassifierTest, classifierTest } from "../evaluate/classifier-test";
export {
  type Conformal,
  type ConformalScore,
  type CoverageRow,
  coverageTable,
  fitConformal,
  predictionSets,
  type SetScores,
  scoreSets,
} from "../evaluate/conformal";
export {
  type ConfusedPair,
  type ConfusionMatrix,
  countConfusion,
  type Mistake,
  mostConfidentMistakes,
  mostConfusedPairs,
  normalizeRows,
} from "../evaluate/confusion";
export type { Detector, Seen } from "../evaluate/detectors/detector";
export { ensemblePredictions, ensembleVotes, ensembleWeights } from "../evaluate/ensemble";
export type { FeatureMatrix } from "../evaluate/feature-matrix";
export { frechetDistance, frechetTest } from "../evaluate/frechet-distance";
export {
  type BootstrapOptions,
  bootstrapInterval,
  type Interval,
  meanInterval,
  scoreInterval,
  sortedQuantile,
  wilsonInterval,
} from "../evaluate/intervals";
export { type KolmogorovSmirnov, kolmogorovSmirnov } from "../evaluate/kolmogorov-smirnov";
export { type LabelError, rankLabelErrors } from "../evaluate/label-errors";
export { type LabelShift, labelShift } from "../evaluate/label-shift";
export {
  type LabelingOptions,
  type LabelingPoint,
  type Strategy,
  simulateLabeling,
  type VotedFeatures,
} from "../evaluate/labeling";
export {
  askHead,
  crossPredict,
  oneHot,
  type TrainedHead,
  trainHead,
} from "../evaluate/linear-head";
export { type McNemar, mcNemar } from "../evaluate/mcnemar";
export { type DiscrepancyOptions, maximumMeanDiscrepancy } from "../evaluate/mean-discrepancy";
export {
  type ClassificationMetric,
  classificationMetrics,
  computeMetrics,
  type Evaluated,
  type MetricValues,
} from "../evaluate/metrics";
export {
  comparisonTable,
  errorsByGalaxy,
  type ModelResult,
  pairedTable,
  tableCsv,
  tableLatex,
  tableMarkdown,
} from "../evaluate/model-table";
export {
  compareDetectors,
  type OutlierScores,
  outlierDetectors,
  outlierThreshold,
  type ThresholdCost,
  thresholdCost,
} from "../evaluate/outliers";
export { holmCorrection, type PairedTest, wilcoxonTest } from "../evaluate/paired-test";
export {
  type PermutationOptions,
  type PermutationTest,
  permutationTest,
} from "../evaluate/permutation-test";
export {
  createPredictions,
  labeledPredictions,
  type PredictionColumns,
  type Predictions,
  probabilitiesOf,
  selectPredictions,
} from "../evaluate/predictions";
export {
  formatPredictions,
  type PredictionsCsvOptions,
  parsePredictions,
  parseTruth,
} from "../evaluate/predictions-csv";
export { readPredictions, readTruth, writePredictions } from "../evaluate/predictions-file";
export { brierScore, logLoss, topKAccuracy } from "../evaluate/probability";
export { rankCorrelation } from "../evaluate/rank-correlation";
export { type RankSum, rankSum } from "../evaluate/rank-sum";
export {
  averagePrecision,
  type Curve,
  precisionRecallCurve,
  rocAuc,
  rocCurve,
  type Thresholds,
  thresholdsOf,
} from "../evaluate/ranking";
export { type Retention, retention } from "../evaluate/retention";
export { fitStacking, type StackingWeights, stackVotes } from "../evaluate/stacking";
export { type ClassSummary, evaluate, type Summary } from "../evaluate/summary";
export {
  parameterImportance,
  rankedTrials,
  type SweepParameter,
  type SweepTable,
  type SweepTrial,
  sweepColumns,
} from "../evaluate/sweep-table";
export { atTemperature, fitTemperature } from "../evaluate/temperature";
export { type Truth, withTruth } from "../evaluate/truth";
export {
  atConcentrations,
  atVoteTemperature,
  fitConcentrations,
  fitVoteTemperature,
} from "../evaluate/vote-calibration";
export { type Coverage, voteCoverage, voteLikelihood } from "../evaluate/vote-coverage";
export {
  type Bounds,
  type FractionScores,
  gatedFractions,
  type VoteMetrics,
  voteMetrics,
} from "../evaluate/vote-metrics";
export {
  createVotePredictions,
  selectVotes,
  type VotePredictions,
} from "../evaluate/vote-predictions";
export { formatVotePredictions, parseVotePredictions } from "../evaluate/vote-predictions-csv";
export {
  isVoteTable,
  type ReadVotePredictionsOptions,
  readVotePredictions,
} from "../evaluate/vote-predictions-file";
export {
  type AnswerReliability,
  type VoteReliabilityBin,
  voteReliability,
} from "../evaluate/vote-reliability";
export { splitUncertainty, type VoteUncertainty } from "../evaluate/vote-uncertainty";
export {
  alignVotes,
  type RegressionScores,
  regressionScores,
  type VoteFractions,
} from "../evaluate/votes";
export { formatVotes, parseVotes } from "../evaluate/votes-csv";
export { readVotes, writeVotes } from "../evaluate/votes-file";
