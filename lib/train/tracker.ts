import type { Dataset } from "../data/dataset";
import type { PredictionTable, Task } from "../tasks/task";
import type { HistoryRow } from "./checkpoint";
import type { TrainConfig } from "./config";
import { settingsColumns } from "./config-columns";
import type { RunFolder } from "./run-folder";

/** What a tracker is told at the end of an epoch. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** The epoch's row of the history. */
  readonly values: HistoryRow;
  /** Of the epoch's last step. */
  readonly learningRate: number;
  /** On the validation split, where this epoch was evaluated, with the rows in the same order. */
  readonly validation?: {
    /** What the network says of them. */
    readonly table: PredictionTable;
    /** Their row numbers in the data set. */
    readonly rows: ArrayLike<number>;
  };
  /** What the network is asked. */
  readonly task: Task;
  /** The galaxies. */
  readonly dataset: Dataset;
}

/** Follows a run: TensorBoard, MLflow, or whatever else keeps a record of experiments. */
export interface Tracker {
  /**
   * Called before the first step.
   *
   * @param settings The run's config, key by key.
   */
  begin(settings: ReturnType<typeof settingsColumns>): Promise<void>;
  /** Called after each epoch. */
  epoch(record: EpochRecord): Promise<void>;
  /** Called when the run ends, however it does. */
  end(status: "finished" | "interrupted" | "failed"): Promise<void>;
}

/** The trackers that a config asks for. */
export async function trackersOf(log: TrainConfig["log"], run: RunFolder): Promise<Tracker[]> {
  const trackers: Tracker[] = [];
  if (log.tensorboard) {
    const { TensorBoardTracker } = await import("./tensorboard.js");
    trackers.push(new TensorBoardTracker(run.path));
  }
  if (log.mlflow !== undefined) {
    const { MlflowTracker } = await import("./mlflow.js");
    trackers.push(new MlflowTracker(log.mlflow, run.path));
  }
  return trackers;
}

/**
 * Several trackers as one. One that cannot begin stops the run before it starts; one that fails later is
 * warned about and left out, since a training is worth more than its log.
 */
export class RunLog {
  private alive: readonly Tracker[] = [];

  constructor(private readonly trackers: readonly Tracker[]) {}

  /** Called before the first step. */
  async begin(config: TrainConfig): Promise<void> {
    for (const tracker of this.trackers) {
      await tracker.begin(settingsColumns(config));
      this.alive = [...this.alive, tracker];
    }
  }

  /** Called after each epoch. */
  epoch(record: EpochRecord): Promise<void> {
    return this.each((tracker) => tracker.epoch(record));
  }

  /** Called when the run ends, however it does. */
  end(status: Parameters<Tracker["end"]>[0]): Promise<void> {
    return this.each((tracker) => tracker.end(status));
  }

  private async each(tell: (tracker: Tracker) => Promise<void>): Promise<void> {
    for (const tracker of this.alive) {
      try {
        await tell(tracker);
      } catch (error) {
        this.alive = this.alive.filter((other) => other !== tracker);
        const why = error instanceof Error ? error.message : String(error);
        process.emitWarning(`the run goes on without its log: ${why}`);
      }
    }
  }
}
