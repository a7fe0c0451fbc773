/**
 * Configs, training, runs and ablations.
 *
 * @module tuning-fork/train
 */
export {
  type AblationOptions,
  type AblationStep,
  readAblation,
  runAblation,
} from "../train/ablation";
export {
  type AblationTestedRow,
  type AblationTraining,
  loadAblation,
} from "../train/ablation-config";
export {
  type Checkpoint,
  type HistoryRow,
  openCheckpoint,
  type TrainingState,
} from "../train/checkpoint";
export {
  type ExperimentConfig,
  type ExperimentSettings,
  experimentSchema,
  type PredictConfig,
  parseConfig,
  predictConfigSchema,
  type TrainConfig,
  type TrainSettings,
  trainConfigSchema,
} from "../train/config";
export { configDifferences, settingsColumns } from "../train/config-columns";
export {
  type ConfigFileOptions,
  configNames,
  loadConfig,
  readSettings,
} from "../train/config-file";
export type { EvaluateOptions } from "../train/evaluate-run";
export { Experiment, type SettingsOptions, type TrainOptions } from "../train/experiment";
export {
  experimentSize,
  type OpenSplitOptions,
  openSplit,
  type SplitDataset,
} from "../train/experiment-data";
export {
  createExperimentModel,
  type ExperimentModel,
  openTrainedModel,
} from "../train/experiment-model";
export type { ExperimentState, IfExists } from "../train/experiment-state";
export {
  type FitInputs,
  type FitOptions,
  fit,
  type StepReport,
} from "../train/fit";
export { mergeSettings, withAssignments } from "../train/merge-settings";
export { type MlflowOptions, MlflowTracker } from "../train/mlflow";
export { type FitResult, fitResult } from "../train/monitor";
export {
  type OpenExperimentOptions,
  openExperiment,
  openExperiments,
  readResults,
} from "../train/open-experiment";
export {
  findRuns,
  RunFolder,
  type RunStatus,
  type TrainingReport,
  type TrainingSummary,
} from "../train/run-folder";
export { type RunResult, readRun } from "../train/run-result";
export { TensorBoardTracker } from "../train/tensorboard";
export { type EpochRecord, RunLog, type Tracker } from "../train/tracker";
export { validationPredictions } from "../train/validation-predictions";
