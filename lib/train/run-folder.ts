import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { UserError } from "../core/errors";
import { asNumbers } from "../core/table";
import { writeFileAtomic } from "../io/atomic";
import { parseCsv } from "../io/csv-table";
import { formatCsv } from "../io/csv-text";
import { EVENT_FILE } from "../io/event-file";
import { acquireLock } from "../io/lock";
import { resultsFolder } from "../io/paths";
import { type TaskDescription, taskDescriptionSchema } from "../models/description";
import type { HistoryRow } from "./checkpoint";
import { configDifferences } from "./config-columns";
import { RunPaths } from "./run-paths";

/** Which run of an MLflow server this one is. */
export const MLFLOW_NOTE = "mlflow.json";

/**
 * The finished runs below a folder that have predictions, by name.
 *
 * @param root Default: the folder of all runs.
 */
export function findRuns(root = resultsFolder()): RunFolder[] {
  if (!existsSync(root)) return [];
  const run = new RunFolder(root);
  if (run.status === "complete") return existsSync(run.predictionsPath) ? [run] : [];
  if (run.status === "unfinished") return [];
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const names = folders.map(({ name }) => name).sort();
  return names.flatMap((name) => findRuns(join(root, name)));
}

/**
 * How far a run in a folder got: `absent` where nothing was kept that could be gone on with,
 * `unfinished` where a checkpoint was, `complete` where every file of a finished run stands.
 */
export type RunStatus = "absent" | "unfinished" | "complete";

/** What `metrics.json` says of the training, besides the metrics. */
const trainingSchema = z.object({
  /** Test galaxies; 0 where there is no test split. */
  rows: z.int().min(0),
  /** Seconds spent in training steps and evaluation, over all sittings. */
  seconds: z.number(),
  /** From 1: the epoch whose weights were kept. */
  bestEpoch: z.int().min(1),
  /** Whether early stopping ended the training. */
  stoppedEarly: z.boolean(),
  /** Numbers that the model learned or could have learned. */
  parameters: z.int(),
});

const reportSchema = z.object({
  /** Epochs, or rounds of boosting, that were done. */
  epochs: z.int().min(0),
  /** From 1: the one that was kept. */
  bestEpoch: z.int().min(1),
  /** Seconds spent in training and evaluation on validation data, over all sittings. */
  seconds: z.number(),
  /** Whether early stopping ended it. */
  stoppedEarly: z.boolean(),
  /** The most memory that the process had meanwhile, bytes; other work of it counts too. */
  peakMemory: z.number(),
});

/** What `training-complete.json` says of a training that has ended. */
export type TrainingReport = z.output<typeof reportSchema>;

/** What a finished run's `metrics.json` says of its training. */
export type TrainingSummary = z.output<typeof trainingSchema>;

/**
 * The folder of one run: `config.yaml`, `split.csv`, `digests.csv`, `history.csv`, `metrics.json`,
 * `predictions.csv`, `checkpoints/{latest,best}/` and `figures/`. It knows how far the run got, and changes nothing by itself.
 */
export class RunFolder extends RunPaths {
  /** @throws UserError when `metrics.json` is damaged */
  get status(): RunStatus {
    const files = [this.configPath, this.historyPath, this.splitPath, this.metricsPath];
    if (files.every((file) => existsSync(file))) {
      if (existsSync(this.predictionsPath) || this.readTraining().rows === 0) return "complete";
    }
    const started = existsSync(this.configPath) && existsSync(join(this.latestPath, "state.json"));
    return started ? "unfinished" : "absent";
  }

  /**
   * The keys on which the run that is here was made otherwise, as `key: before → after`; none where there
   * is no run. Who is told about a run (`train.log`) does not change it.
   */
  differencesFrom(config: object): string[] {
    if (this.status === "absent") return [];
    const differences = configDifferences(this.readConfig(), JSON.parse(JSON.stringify(config)));
    return differences.filter((difference) => !/^(train\.)?log\b/.test(difference));
  }

  /** Remove what a run has left here. Files that are no run's stay. */
  clear(): void {
    const files = [
      ...["config.yaml", "history.csv", "predictions.csv", "split.csv", "digests.csv"],
      ...[
        "training-complete.json",
        "task.json",
        "validation.csv",
        "boost.yaml",
        "boosters",
        "features",
      ],
    ];
    const left = existsSync(this.path) ? readdirSync(this.path) : [];
    const logs = left.filter((name) => name.startsWith(EVENT_FILE) || name === MLFLOW_NOTE);
    // What says that a run is finished goes first, should this be interrupted.
    for (const name of ["metrics.json", "checkpoints", ...files, "figures", ...logs]) {
      rmSync(join(this.path, name), { recursive: true, force: true });
    }
  }

  /**
   * Keep other processes out while this one writes here.
   *
   * @returns what opens the folder again
   * @throws UserError saying which process is at work here
   */
  lock(): () => void {
    return acquireLock(join(this.path, "lock"), this.path);
  }

  /** Replace `config.yaml`. */
  writeConfig(config: object): void {
    writeFileAtomic(this.configPath, stringify(config));
  }

  /** @throws UserError naming the file that cannot be read */
  readConfig(): unknown {
    return this.read(this.configPath, parse);
  }

  /** Replace `task.json`: what the run was asked, so that its tables can be read without its weights. */
  writeTask(description: TaskDescription): void {
    writeFileAtomic(this.taskPath, `${JSON.stringify(description, null, 2)}\n`);
  }

  /** @returns undefined where the run does not say it there. @throws UserError when the file is damaged */
  readTask(): TaskDescription | undefined {
    if (!existsSync(this.taskPath)) return undefined;
    return this.read(this.taskPath, (text) => taskDescriptionSchema.parse(JSON.parse(text)));
  }

  /** The text of `predictions.csv`. @throws UserError when it is not there */
  readPredictions(): string {
    return this.read(this.predictionsPath, String);
  }

  /**
   * Replace `history.csv`.
   *
   * @param columns One value an epoch; NaN where an epoch has none (it was not evaluated).
   */
  writeHistory(columns: Readonly<Record<string, readonly number[]>>): void {
    const values = Object.values(columns);
    const lines = (values[0] ?? []).map((_, epoch) =>
      values.map((column) => (Number.isNaN(column[epoch]) ? "" : column[epoch])),
    );
    writeFileAtomic(this.historyPath, formatCsv(Object.keys(columns), lines));
  }

  /**
   * The columns of `history.csv`, one value an epoch; NaN where an epoch has none.
   *
   * @returns no columns before the first epoch
   * @throws UserError when the file is damaged: its epochs are not counted from 1
   */
  readHistory(): Record<string, number[]> {
    if (!existsSync(this.historyPath)) return {};
    const parseHistory = (text: string) => {
      const numbers = (names: readonly string[]) =>
        Object.fromEntries(names.map((name) => [name, "number"] as const));
      const { columns } = parseCsv(text, this.historyPath, numbers);
      const history = Object.fromEntries(
        Object.entries(columns).map(([name, values]) => [name, asNumbers(values)]),
      );
      const { epoch = [] } = history;
      if (epoch.length === 0 || epoch.some((value, i) => value !== i + 1)) {
        throw new UserError("its epochs are not 1, 2, 3, …", "count them from 1");
      }
      return history;
    };
    const remedy = "delete it and train again: what is trained already is written anew";
    return this.read(this.historyPath, parseHistory, remedy);
  }

  /** Write `training-complete.json`. */
  writeTrainingComplete(report: TrainingReport): void {
    writeFileAtomic(this.trainingCompletePath, `${JSON.stringify(report, null, 2)}\n`);
  }

  /** What `training-complete.json` says; undefined where it is not there. @throws UserError when damaged */
  readTrainingComplete(): TrainingReport | undefined {
    if (!existsSync(this.trainingCompletePath)) return undefined;
    return this.read(this.trainingCompletePath, (text) => reportSchema.parse(JSON.parse(text)));
  }

  /** Write `metrics.json`, which makes the run a finished one. */
  writeMetrics(metrics: TrainingSummary): void {
    writeFileAtomic(this.metricsPath, `${JSON.stringify(metrics, null, 2)}\n`);
  }

  /**
   * What `metrics.json` says of the training.
   *
   * @throws UserError naming the file when it is not there or damaged
   */
  readTraining(): TrainingSummary {
    return this.read(this.metricsPath, (text) => trainingSchema.parse(JSON.parse(text)));
  }

  private read<T>(
    path: string,
    parseText: (text: string) => T,
    remedy = "delete it and evaluate again, or restart the run",
  ): T {
    try {
      return parseText(readFileSync(path, "utf8"));
    } catch (cause) {
      throw existsSync(path)
        ? new UserError(`${path} is damaged`, remedy, { cause })
        : new UserError(`${path} is not there`, "give the folder of a finished run", { cause });
    }
  }
}

/** History rows turned to columns; NaN where a row has no value. */
export function historyColumns(rows: readonly HistoryRow[]): Record<string, number[]> {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return Object.fromEntries(
    names.map((name) => [name, rows.map((row) => row[name] ?? Number.NaN)]),
  );
}
