/**
 * Configs, training, runs and ablations.
 *
 * @module
 */
export {
  type AblationStep,
  type AblationTraining,
  loadAblation,
  readAblation,
  runAblation,
} from "../train/ablation";
export {
  type Checkpoint,
  type HistoryRow,
  openCheckpoint,
  type Position,
} from "../train/checkpoint";
export {
  configDifferences,
  type Experiment,
  type ExperimentSettings,
  experimentSchema,
  type PredictConfig,
  parseConfig,
  predictConfigSchema,
  settingsColumns,
  type TrainConfig,
  type TrainSettings,
  trainConfigSchema,
  withAssignments,
} from "../train/config";
export {
  type ConfigFileOptions,
  loadExperiment,
  loadExperiments,
  mergeSettings,
  readSettings,
} from "../train/config-file";
export {
  createExperimentModel,
  type ExperimentResult,
  experimentSize,
  openExperimentData,
  openTrainedModel,
  recordEvaluation,
  runExperiment,
  type SplitDataset,
} from "../train/experiment";
export { type FitOptions, type FitResult, type FitRows, fit, type StepReport } from "../train/fit";
export { type MlflowOptions, MlflowTracker } from "../train/mlflow";
export { type Existing, findRuns, RunFolder, type RunStatus } from "../train/run-folder";
export { type EpochRecord, RunLog, TensorBoardTracker, type Tracker } from "../train/tracker";
