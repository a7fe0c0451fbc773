/**
 * Figures: a table in, a plotly specification out; and files of them.
 *
 * @module tuning-fork/plots
 */

export { ablationHeatMap } from "../plots/ablation-heat-map";
export { type AccuracyCurveOptions, accuracyCurve } from "../plots/accuracy-curve";
export { type AnswerScores, answerBars } from "../plots/answer-bars";
export { type AttentionMaps, attentionGrid } from "../plots/attention-grid";
export { type AugmentationSheet, augmentationSheet } from "../plots/augmentation-sheet";
export { classDistribution } from "../plots/class-distribution";
export { colorMap, minMax, overlay, VIRIDIS } from "../plots/color-maps";
export {
  type ConfusedPairsOptions,
  confusedPairs,
  type MistakenGalaxies,
} from "../plots/confused-pairs";
export { type ConfusionMatrixOptions, confusionMatrix } from "../plots/confusion-matrix";
export {
  type DistributionComparisonOptions,
  type DistributionPanel,
  distributionComparison,
} from "../plots/distribution-comparison";
export {
  type Embedding,
  type EmbeddingScatterOptions,
  embeddingScatter,
} from "../plots/embedding-scatter";
export { errorAgainstTime, type TimedModel } from "../plots/error-against-time";
export {
  type ExportOptions,
  exportFigure,
  exportFigures,
  type FigureFormat,
} from "../plots/export-figures";
export type { Figure } from "../plots/figure";
export { type ComparedVotes, type HexBinsOptions, hexBins } from "../plots/hex-bins";
export { type GridCell, type ImageGridOptions, imageGrid } from "../plots/image-grid";
export { type Journal, type JournalName, journalRegistry } from "../plots/journals";
export {
  type ComparedModel,
  type ModelComparisonOptions,
  modelComparison,
} from "../plots/model-comparison";
export { outlierHeatMap } from "../plots/outlier-heat-map";
export { type ModelGroup, pairedModels } from "../plots/paired-models";
export { type PanelsOptions, panels } from "../plots/panels";
export { parallelCoordinates } from "../plots/parallel-coordinates";
export { parameterImportanceBars } from "../plots/parameter-importance-bars";
export { perClassBars } from "../plots/per-class-bars";
export { permutationPanels } from "../plots/permutation-panels";
export { type PictureOptions, pictureUris } from "../plots/pictures";
export { type PreflightCheck, type PreflightReport, preflightColumns } from "../plots/preflight";
export { type QuestionedModel, questionHeatMap } from "../plots/question-heat-map";
export { type RankingCurvesOptions, rankingCurves } from "../plots/ranking-curves";
export { type FigureExample, figureRegistry } from "../plots/registry";
export { reliabilityDiagram } from "../plots/reliability-diagram";
export { reliabilityPanels } from "../plots/reliability-panels";
export {
  type CaptionContext,
  type RunFigure,
  type RunFiguresOptions,
  type RunTables,
  runCaption,
  runFigureRegistry,
  runFigures,
} from "../plots/run-figures";
export { type SaliencyRow, type SaliencySheet, saliencyOverlay } from "../plots/saliency-overlay";
export { type SampleGridOptions, sampleGrid } from "../plots/sample-grid";
export { type CurvePoint, type ScoreCurvesOptions, scoreCurves } from "../plots/score-curves";
export { setCoverage } from "../plots/set-coverage";
export {
  type SimilarGalaxies,
  type SimilarGalaxiesOptions,
  similarGalaxies,
} from "../plots/similar-galaxies";
export {
  COLUMN,
  colorScale,
  type FigureOptions,
  FONT_FAMILY,
  interpolateColor,
  PAGE,
  PIXELS_PER_MM,
  type Theme,
  type ThemeName,
  themeOf,
} from "../plots/theme";
export { type TrainingCurvesOptions, trainingCurves } from "../plots/training-curves";
export {
  type ValuedEmbedding,
  type ValueScatterOptions,
  valueScatter,
} from "../plots/value-scatter";
export {
  type PosteriorGalaxy,
  type VotePosteriorOptions,
  votePosterior,
} from "../plots/vote-posterior";
export { voteTree } from "../plots/vote-tree";
