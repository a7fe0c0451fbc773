/**
 * What a notebook cell shows.
 *
 * @module
 */
export { ablate } from "../notebook/ablation";
export { type LiveFigure, liveFigure, showFigure } from "../notebook/figures";
export { type ShowImagesOptions, showImages } from "../notebook/images";
export { untilInterrupted } from "../notebook/interrupt";
export { showMarkdown } from "../notebook/markdown";
export {
  type Progress,
  type ProgressOptions,
  progress,
  type ShownMetrics,
} from "../notebook/progress";
export { type ShowTableOptions, showTable } from "../notebook/tables";
export { showTraining, train } from "../notebook/training";
