/**
 * Data sets: opening, splits, batches, augmentation, file formats of astronomy.
 *
 * @module tuning-fork/data
 */

export { angularDistance } from "../data/angular-size";
export { type AssignedSplits, type AssignOptions, assignSplits } from "../data/assign-splits";
export {
  type Augmentation,
  augment,
  augmentationPresets,
  parseAugmentation,
} from "../data/augment";
export { blur, type ColorChange, changeColor } from "../data/augment-color";
export { type AugmentationExample, augmentationExamples } from "../data/augment-examples";
export { type Mixing, mixBatch } from "../data/augment-mix";
export { d4Symmetry, type Warp, warp } from "../data/augment-warp";
export { crossMatch, type Matches, type Positions } from "../data/cross-match";
export {
  type CutoutCatalog,
  type CutoutFailure,
  type CutoutOptions,
  type CutoutReport,
  type CutoutRequest,
  type CutoutService,
  cutoutServices,
  fetchCutouts,
} from "../data/cutouts";
export type {
  Dataset,
  DatasetInfo,
  DatasetSource,
  SkippedRow,
  View,
  VoteQuestion,
  Votes,
} from "../data/dataset";
export { decalsQuestions } from "../data/decals-tree";
export {
  checkTree,
  type DecisionTree,
  type QuestionRange,
  questionRanges,
  reachChances,
  rebuildAsked,
  treeAnswers,
} from "../data/decision-tree";
export {
  type DuplicateOptions,
  type DuplicatePair,
  type Duplicates,
  findDuplicates,
} from "../data/duplicates";
export { type ExportReport, exportFolders } from "../data/export-dataset";
export type { ExportOptions } from "../data/export-plan";
export {
  FitsFile,
  type FitsImage,
  type FitsTableOptions,
  readFits,
} from "../data/fits";
export { openFits } from "../data/fits-file";
export type { FitsHdu } from "../data/fits-hdus";
export { FitsHeader, type FitsValue } from "../data/fits-header";
export { type FitsRgbOptions, fitsPicture, type RgbPicture } from "../data/fits-image";
export { fitsRgb, writePicture } from "../data/fits-image-file";
export { type FitsColumn, type FitsText, writeFitsTable } from "../data/fits-table-file";
export { gz2MainQuestions, gz2Questions } from "../data/galaxy-zoo-tree";
export {
  type Galaxy10Batch,
  galaxy10DecalsClasses,
  galaxy10SdssClasses,
  openGalaxy10,
  writeGalaxy10,
} from "../data/galaxy10";
export { cleanClass, gz2EightClasses } from "../data/gz2-8class";
export { readSizes, type SizesAndMagnitudes } from "../data/gz2-sizes";
export { Hdf5File, type Hdf5Info, type Hdf5Numbers } from "../data/hdf5";
export { Hdf5Writer } from "../data/hdf5-writer";
export { augmentImages, imageStatistics, meanImages } from "../data/image-statistics";
export { instrumentOf } from "../data/instrument-of";
export { joinDatasets } from "../data/join-datasets";
export { hasLabels, labelsOf } from "../data/labels";
export { type BatchOptions, batchCount, batches, cached, type HostBatch } from "../data/loader";
export { type LuptonOptions, legacyRgb, luptonRgb } from "../data/lupton";
export { type Instrument, type Observation, observeAgain } from "../data/observation";
export { observedDataset } from "../data/observed-dataset";
export { type OddKind, type OddPicturesOptions, oddKinds, oddPictures } from "../data/odd-pictures";
export { type OpenOptions, openDataset } from "../data/open";
export { datasets, registerDataset } from "../data/registry";
export { type SameGalaxies, sameGalaxies } from "../data/same-galaxies";
export {
  type Balancing,
  balancedRows,
  epochOrder,
  rowsByStratum,
  SAMPLINGS,
  type Sampling,
  type StrataWeighting,
  strataWeights,
} from "../data/sampling";
export { type SecondSurveyOptions, secondSurvey } from "../data/second-survey";
export { makeGalaxy, observeGalaxy, type SyntheticGalaxy } from "../data/simulator";
export {
  loadSplit,
  rowsOfSplit,
  type SplitOptions,
  type SplitShares,
  saveSplit,
  splitPresets,
  stratifiedSplit,
  takeFraction,
} from "../data/splits";
export { makeSynthetic, type SyntheticOptions } from "../data/synthetic";
export { drawVotes, voteChances } from "../data/synthetic-votes";
export { parseTree } from "../data/tree-yaml";
export { decisionTrees, openTree } from "../data/trees";
export { type Area, type Extent, type ViewOptions, withView } from "../data/view";
export type { VoteKind } from "../data/vote-columns";
