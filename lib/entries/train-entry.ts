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
  type TrainingState,
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
} from "../train/config";
export {
  type ConfigFileOptions,
  loadExperiment,
  loadExperiments,
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
export {
  type FitInputs,
  type FitOptions,
  type FitResult,
  fit,
  type StepReport,
} from "../train/fit";
export { mergeSettings, withAssignments } from "../train/merge-settings";
export { type MlflowOptions, MlflowTracker } from "../train/mlflow";
export { type Existing, findRuns, RunFolder, type RunStatus } from "../train/run-folder";
export { TensorBoardTracker } from "../train/tensorboard";
export { type EpochRecord, RunLog, type Tracker } from "../train/tracker";
