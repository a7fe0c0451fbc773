/**
 * What a network is asked.
 *
 * @module
 */
export { classificationLoss, lossWeights } from "../tasks/classification-loss";
export type { Loss, Metrics, PredictionTable, Task, TrainingRows } from "../tasks/task";
