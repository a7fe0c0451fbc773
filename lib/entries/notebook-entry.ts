/**
 * What a notebook cell shows.
 *
 * @module tuning-fork/notebook
 */
export { type AblateOptions, ablate } from "../notebook/ablate";
export { askIfExists, type IfRunExists } from "../notebook/ask-if-exists";
export { exportFigures } from "../notebook/figure-files";
export { type LiveFigure, liveFigure, showFigure } from "../notebook/figures";
export { umap } from "../notebook/galaxy-map";
export { type ShowImagesOptions, showImages } from "../notebook/images";
export { untilInterrupted } from "../notebook/interrupt";
export { showMarkdown } from "../notebook/markdown";
export { type EnsembleScheme, ModelStudy } from "../notebook/model-study";
export { accuracyUnderShift, embed, predict, seenPictures } from "../notebook/networks";
export { type OpenPage, openPage, type PageOptions, showPage } from "../notebook/page";
export {
  type Progress,
  type ProgressOptions,
  progress,
  type ShownMetrics,
} from "../notebook/progress";
export { richValue } from "../notebook/rich-value";
export { saveTable } from "../notebook/save-table";
export { studyFigures, writeStudyTables } from "../notebook/study-files";
export {
  type DataFrameLike,
  type ShownTable,
  type ShowTableOptions,
  showTable,
} from "../notebook/tables";
export { evaluateRun, showTraining, train } from "../notebook/training";
export { variables } from "../notebook/variables";
