/**
 * What a network is asked.
 *
 * @module tuning-fork/tasks
 */
export type { LearnedTargets, LossDefinition, LossOptions } from "../tasks/loss";
export {
  createTask,
  type LossSettings,
  listTasks,
  registerTask,
  type TaskDefinition,
  type TaskSettings,
  taskDefinition,
  taskFromDescription,
} from "../tasks/registry";
export type {
  Answer,
  Calibration,
  Loss,
  Metrics,
  PredictionTable,
  ShareTable,
  Strata,
  Task,
  TrainingRows,
} from "../tasks/task";
