import { UserError } from "../core/errors";
import { historyColumn, type Task } from "../tasks/task";
import type { HistoryRow, TrainingState } from "./checkpoint";
import type { TrainConfig } from "./config";
import { historyColumns } from "./run-folder";

/** A column of the history by which epochs are compared. */
export interface Monitor {
  readonly column: string;
  readonly better: "max" | "min";
}

/** What `train.monitor` is where the last epoch is kept, whatever the validation galaxies say. */
const LAST = "last";

/**
 * What epochs and runs are compared by: what `train.monitor` names; the task's own where it names nothing, or `last`.
 *
 * @throws UserError when the task has no such monitor
 */
export function comparedBy(task: Task, { monitor }: Pick<TrainConfig, "monitor">): Monitor {
  const column = monitor === undefined || monitor === LAST ? own(task) : monitor;
  return monitorOf(task, column, "train.monitor", LAST);
}

const own = (task: Task) => historyColumn("val", task.defaultMonitor);

function monitorOf(task: Task, column: string, key: string, ...others: string[]): Monitor {
  const known = Object.keys(task.monitors);
  const name = known.find((one) => historyColumn("val", one) === column);
  if (name !== undefined) return { column, better: task.monitors[name] };
  throw new UserError(
    `${key} is "${column}", which a run of the task ${task.description.task} does not have`,
    `take one of ${[...known.map((one) => historyColumn("val", one)), ...others].join(", ")}`,
  );
}

/** Says which epoch is the best, and when nothing better is to be expected. */
export class Judge {
  private readonly best: Monitor | undefined;
  private readonly stopping: Monitor;
  private readonly patience: number;

  /**
   * @param validates Whether there is a validation split.
   * @throws UserError when a key has no effect without one, or names a column that there is not
   */
  constructor(task: Task, config: TrainConfig, validates: boolean) {
    const { monitor, earlyStopping, validationInterval } = config;
    this.patience = earlyStopping.patience;
    this.best = monitor === LAST ? undefined : comparedBy(task, config);
    const usual = "loss" in task.monitors ? historyColumn("val", "loss") : own(task);
    const metric = earlyStopping.metric ?? usual;
    this.stopping = monitorOf(task, metric, "train.earlyStopping.metric");
    if (validates) return;
    const idle = [
      monitor !== undefined && monitor !== LAST && "train.monitor",
      this.patience > 0 && "train.earlyStopping",
      validationInterval > 1 && "train.validationInterval",
    ].filter((key) => key !== false);
    if (idle.length > 0) {
      throw new UserError(
        `there is no validation split, without which ${idle.join(" and ")} can have no effect`,
        "give the validation split a share in data.split, or leave the key at its default",
      );
    }
  }

  /** The epoch with the best value so far, of equal ones the first; undefined where none was evaluated, or the last is kept. */
  bestEpoch(history: readonly HistoryRow[]): number | undefined {
    return this.best && bestRow(history, this.best)?.epoch;
  }

  /** Whether as many epochs went by since the best one as early stopping waits for. */
  isExhausted(history: readonly HistoryRow[]): boolean {
    if (this.patience === 0) return false;
    const best = bestRow(history, this.stopping);
    const last = history.findLast((row) => this.stopping.column in row);
    if (best === undefined || last === undefined) return false;
    return last.epoch - best.epoch >= this.patience;
  }
}

function bestRow(history: readonly HistoryRow[], { column, better }: Monitor) {
  let best: HistoryRow | undefined;
  for (const row of history) {
    if (!(column in row)) continue;
    const isBetter =
      best === undefined ||
      (better === "max" ? row[column] > best[column] : row[column] < best[column]);
    if (isBetter) best = row;
  }
  return best;
}

/** How a run ended. */
export interface FitResult {
  /** One value an epoch; NaN where an epoch has none. */
  readonly history: Readonly<Record<string, number[]>>;
  /** From 1: the epoch whose weights are kept. */
  readonly bestEpoch: number;
  /** Seconds spent in training steps and evaluation, over all sittings. */
  readonly seconds: number;
  /** Whether it ended before its last epoch, since nothing got better. */
  readonly stoppedEarly: boolean;
}

/** How a training ended; undefined while it has something left to do. */
export function fitResult(
  { epoch, history, seconds }: TrainingState,
  judge: Judge,
  config: TrainConfig,
): FitResult | undefined {
  const stoppedEarly = epoch < config.epochs;
  if (stoppedEarly && !judge.isExhausted(history)) return undefined;
  const bestEpoch = judge.bestEpoch(history) ?? history.length;
  return { history: historyColumns(history), bestEpoch, seconds, stoppedEarly };
}
