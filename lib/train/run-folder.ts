import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { UserError } from "../core/errors";
import { writeFileAtomic } from "../io/atomic";
import { formatCsv } from "../io/csv-text";
import { EVENT_FILE } from "../io/event-file";
import { acquireLock } from "../io/lock";
import { resultsFolder } from "../io/paths";
import { type HistoryRow, openCheckpoint } from "./checkpoint";
import { configDifferences } from "./config";

/** Which run of an MLflow server this one is. */
export const MLFLOW_NOTE = "mlflow.json";

/**
 * What to do where a run's folder already holds something: go on with it, begin anew, leave it, or
 * go on with a run of the same config and begin anew with one of another.
 */
export type Existing = "resume" | "restart" | "skip" | "renew";

/**
 * The finished runs below a folder, by name.
 *
 * @param root Default: the folder of all runs.
 */
export function findRuns(root = resultsFolder()): RunFolder[] {
  if (!existsSync(root)) return [];
  const run = new RunFolder(root);
  if (run.status !== "absent") return existsSync(run.predictionsPath) ? [run] : [];
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const names = folders.map(({ name }) => name).sort();
  return names.flatMap((name) => findRuns(join(root, name)));
}

/** How far a run in a folder got. */
export type RunStatus = "absent" | "unfinished" | "complete";

/**
 * The folder of one run: `config.yaml`, `history.csv`, `metrics.json`, `predictions.csv`,
 * `checkpoints/{latest,best}/` and `figures/`. It knows how far the run got.
 */
export class RunFolder {
  constructor(readonly path: string) {}

  get configPath(): string {
    return join(this.path, "config.yaml");
  }
  get historyPath(): string {
    return join(this.path, "history.csv");
  }
  get metricsPath(): string {
    return join(this.path, "metrics.json");
  }
  get predictionsPath(): string {
    return join(this.path, "predictions.csv");
  }
  get splitPath(): string {
    return join(this.path, "split.csv");
  }
  /** Figures by name, put where this run keeps them: what `exportFigures` takes. */
  figures<F>(byName: Readonly<Record<string, F>>): Record<string, F> {
    const entries = Object.entries(byName);
    return Object.fromEntries(entries.map(([name, f]) => [join(this.path, "figures", name), f]));
  }
  get latestPath(): string {
    return join(this.path, "checkpoints", "latest");
  }
  get bestPath(): string {
    return join(this.path, "checkpoints", "best");
  }
  private get completePath(): string {
    return join(this.path, "complete.json");
  }

  /** `complete` once {@link RunFolder.markComplete} was called. */
  get status(): RunStatus {
    if (existsSync(this.completePath)) return "complete";
    return existsSync(this.configPath) ? "unfinished" : "absent";
  }

  /** The keys on which the run that is here was made otherwise; none where there is no run. */
  differencesFrom(config: object): string[] {
    if (this.status === "absent") return [];
    const differences = configDifferences(this.readConfig(), JSON.parse(JSON.stringify(config)));
    // Who is told about a run does not change it.
    return differences.filter((difference) => !/^(train\.)?log\b/.test(difference));
  }

  /**
   * Make ready for a run of `config`.
   *
   * @returns whether there is work to do: false when a complete run is to be skipped
   * @throws UserError when an existing run has another config and is not to be restarted
   */
  begin(config: object, existing: Existing): boolean {
    const changed = existing === "renew" && this.differencesFrom(config).length > 0;
    if (existing === "restart" || changed) {
      for (const name of ["checkpoints", "figures"]) {
        rmSync(join(this.path, name), { recursive: true, force: true });
      }
      const old = existsSync(this.path) ? readdirSync(this.path) : [];
      for (const name of old.filter(
        (name) => name.startsWith(EVENT_FILE) || name === MLFLOW_NOTE,
      )) {
        rmSync(join(this.path, name));
      }
      const files = [this.completePath, this.historyPath, this.metricsPath, this.predictionsPath];
      for (const file of [...files, this.configPath, this.splitPath]) rmSync(file, { force: true });
    }
    if (this.status !== "absent") {
      const differences = this.differencesFrom(config);
      if (differences.length > 0) {
        throw new UserError(
          `${this.path} holds a run with another config: ${differences.join("; ")}`,
          "restart it, set the values back, or give another folder",
        );
      }
      if (this.status === "complete") return false;
      if (existing === "skip") return false;
    }
    mkdirSync(this.path, { recursive: true });
    if (this.status === "absent") writeFileAtomic(this.configPath, stringify(config));
    return true;
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

  readConfig(): unknown {
    try {
      return parse(readFileSync(this.configPath, "utf8"));
    } catch (cause) {
      throw new UserError(`${this.configPath} cannot be read`, "give a run's folder", { cause });
    }
  }

  /** Replace `history.csv`. Rows may lack a column (an epoch that was not evaluated). */
  writeHistory(rows: readonly HistoryRow[]): void {
    const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    const lines = rows.map((row) => columns.map((name) => row[name] ?? ""));
    writeFileAtomic(this.historyPath, formatCsv(columns, lines));
  }

  /** The history by columns; NaN where an epoch has no value. */
  readHistory(): Record<string, number[]> {
    const rows = openCheckpoint(this.latestPath)?.training.history ?? [];
    return historyColumns(rows);
  }

  /** Note that nothing is left to do, with a summary for people. */
  markComplete(summary: object): void {
    writeFileAtomic(this.completePath, `${JSON.stringify(summary, null, 2)}\n`);
  }

  /** What {@link RunFolder.markComplete} noted. */
  readSummary(): Record<string, unknown> {
    return JSON.parse(readFileSync(this.completePath, "utf8"));
  }
}

/** History rows turned to columns; NaN where a row has no value. */
export function historyColumns(rows: readonly HistoryRow[]): Record<string, number[]> {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return Object.fromEntries(
    names.map((name) => [name, rows.map((row) => row[name] ?? Number.NaN)]),
  );
}
