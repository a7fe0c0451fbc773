import { existsSync, rmSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import { UserError } from "../core/errors";
import { printable } from "../core/printable";
import { asText } from "../core/table";
import { saveSplit } from "../data/splits";
import type { Predictions } from "../evaluate/predictions";
import type { Summary } from "../evaluate/summary";
import { writeFileAtomic } from "../io/atomic";
import { resultsFolder } from "../io/paths";
import { parameterCount } from "../models/model-summary";
import type { Model } from "../models/module";
import { predict } from "../predict/network-predictor";
import { openCheckpoint } from "./checkpoint";
import {
  configDifferences,
  type ExperimentConfig,
  type ExperimentSettings,
  experimentSchema,
  parseConfig,
  settingsColumns,
} from "./config";
import { type ConfigFileOptions, configNames, loadConfig } from "./config-file";
import { openSplit, type SplitDataset } from "./experiment-data";
import { createExperimentModel, openTrainedModel } from "./experiment-model";
import { checkFit, type FitOptions, fit } from "./fit";
import { withAssignments } from "./merge-settings";
import { type FitResult, fitResult, Judge } from "./monitor";
import { saveRowDigests } from "./row-digests";
import { RunFolder } from "./run-folder";
import { type RunResult, readRun, readTraining, refuseUntested } from "./run-result";

/**
 * What to do where the folder holds a run: `resume` goes on with it, and refuses one of other settings;
 * `restart` begins anew; `auto` goes on with a run of the same settings and begins anew with another.
 */
export type IfExists = "resume" | "restart" | "auto";

/** Where an experiment stands. */
export interface ExperimentState {
  /** `changed`: the folder holds a run of other settings. */
  readonly state: "new" | "interrupted" | "changed" | "finished";
  /** For `changed`: the keys, as `key: before → after`. */
  readonly differences: readonly string[];
}

/** How {@link Experiment.train} goes. */
export interface TrainOptions extends FitOptions {
  /** Default `auto`. */
  readonly ifExists?: IfExists;
  /** Called while data are downloaded or generated. */
  readonly onData?: (done: number, total: number) => void;
}

/** How {@link Experiment.evaluate} goes. */
export interface EvaluateOptions {
  /** Stops between two batches. */
  readonly signal?: AbortSignal;
  /** Galaxies predicted, and in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Where {@link openExperiment} finds its settings, and where the run goes. */
export interface OpenExperimentOptions extends ConfigFileOptions {
  /** Which of the file's `models`. Default: the file is a single experiment. */
  readonly name?: string;
  /** The run's folder. Default: `results/FILE`, or `results/FILE/NAME`, by the config file's name. */
  readonly run?: string;
}

/** Of each folder the object opened last, so that running a cell again leaves no model behind. */
const opened = new Map<string, Experiment>();

/**
 * Open an experiment. Nothing is loaded or written yet.
 *
 * The same settings and folder give the same object again, with what it holds; other settings for a folder
 * release what the object before held.
 *
 * @param source A YAML file, or settings.
 * @throws UserError naming each key that is wrong
 */
export function openExperiment(
  source: string | ExperimentSettings,
  { name, run, ...options }: OpenExperimentOptions = {},
): Experiment {
  const config =
    typeof source === "string"
      ? loadConfig(source, options, name)
      : parseConfig(experimentSchema, withAssignments({ ...source }, options.set ?? []));
  if (run === undefined && typeof source !== "string") {
    throw new UserError("settings have no folder of their own", "say where the run goes: `run`");
  }
  const file = typeof source === "string" ? basename(source, extname(source)) : "";
  const folder = resolve(run ?? resultsFolder(join(file, name ?? "")));
  const before = opened.get(folder);
  if (before !== undefined && configDifferences(before.config, config).length === 0) return before;
  void before?.dispose();
  const experiment = new Experiment(config, new RunFolder(folder));
  opened.set(folder, experiment);
  return experiment;
}

/**
 * Open every experiment of a YAML file with `models`.
 *
 * @returns one a name, in the file's order
 */
export function openExperiments(
  path: string,
  options: ConfigFileOptions = {},
): Record<string, Experiment> {
  const names = configNames(path, options);
  if (names.length === 0) {
    throw new UserError(`${path} has no key "models"`, "give each model a name and its settings");
  }
  const entries = names.map((name) => [name, openExperiment(path, { ...options, name })]);
  return Object.fromEntries(entries);
}

/**
 * What each of these experiments says, as far as they are finished: from their folders alone.
 *
 * @throws UserError when none is
 */
export async function readResults(
  experiments: Readonly<Record<string, Experiment>>,
): Promise<Record<string, RunResult>> {
  const results: Record<string, RunResult> = {};
  for (const [name, experiment] of Object.entries(experiments)) {
    if (experiment.state().state === "finished") results[name] = await experiment.evaluate();
  }
  if (Object.keys(results).length > 0) return results;
  const names = Object.keys(experiments).join(", ");
  throw new UserError(`none of ${names} is evaluated yet`, "train and evaluate one first");
}

/**
 * One experiment: a model, its data, and the folder of its run.
 *
 * Every method can be called again, and in any order that makes sense: it takes what the folder holds
 * and does the rest. The folder is the truth; nothing that was computed lives in this object alone.
 */
export class Experiment {
  private split: Promise<SplitDataset> | undefined;
  /** Whether it is the split of the folder, and not drawn anew. */
  private splitIsKept = false;
  /** Data that were opened before a restart: a cell may still show them. */
  private older: Promise<SplitDataset>[] = [];
  private held: Promise<Model> | undefined;
  private working = false;

  /** See {@link openExperiment}. */
  constructor(
    /** Everything that decides the run. */
    readonly config: ExperimentConfig,
    /** Its folder. */
    readonly run: RunFolder,
  ) {}

  /** The settings as a table: what `showTable` takes. One row a key. */
  settings(): ReturnType<typeof settingsColumns> {
    return settingsColumns(this.config);
  }

  /** Where the run stands. @throws UserError when a file of the folder is damaged */
  state(): ExperimentState {
    if (this.run.status === "absent") return { state: "new", differences: [] };
    const differences = this.run.differencesFrom(this.config);
    // How a model is asked is no part of its training.
    const trained = differences.filter((difference) => !difference.startsWith("predict"));
    if (trained.length > 0) return { state: "changed", differences: trained };
    const finished = this.run.status === "complete" && differences.length === 0;
    return { state: finished ? "finished" : "interrupted", differences };
  }

  /**
   * The data, opened once, at this model's size and with its crop, and each row's split: that of the run
   * where there is one, so that rows which came later are not mixed in.
   *
   * @throws UserError when galaxies of the run are gone, or have other targets
   */
  async data(onProgress?: (done: number, total: number) => void): Promise<SplitDataset> {
    if (this.split === undefined) {
      const kept = ["interrupted", "finished"].includes(this.state().state);
      this.split = this.openData(kept, onProgress);
    }
    return this.split;
  }

  /**
   * The model: with the weights of the run's best epoch where there is one, else with those that training
   * begins with.
   *
   * @returns this object's own: it is released by {@link Experiment.dispose} and when training begins
   */
  model(): Promise<Model> {
    this.held ??= this.openModel().catch((error) => {
      this.held = undefined;
      throw error;
    });
    return this.held;
  }

  /**
   * Train, from the run's checkpoint where there is one; a finished run is returned at once. A run of
   * other settings is begun anew from fresh weights, unless `ifExists` says otherwise.
   *
   * @throws UserError when another process is at work in the folder, when `resume` finds a run of other
   *   settings, and when the loss is not a number any more; and whatever the signal was aborted with.
   *   The folder then holds the last good checkpoint.
   */
  async train({ ifExists = "auto", onData, ...options }: TrainOptions = {}): Promise<FitResult> {
    return this.work(async () => {
      const begins = this.begins(ifExists);
      if (!begins && this.run.status === "complete") return readTraining(this.run);
      await this.releaseModel();
      if (begins && this.split !== undefined && this.splitIsKept) {
        this.older.push(this.split);
        this.split = undefined;
      }
      // Whatever can be refused is, before anything of an older run is removed.
      if (begins) this.split ??= this.openData(false, onData);
      const { dataset, task, train, val, test } = await this.data(onData);
      const { model, says } = await createExperimentModel(this.config, task);
      try {
        const inputs = { model, task, dataset, train, val: val.length > 0 ? val : undefined };
        checkFit(inputs, this.config.train);
        if (begins) this.run.clear();
        const { id, split } = dataset.table;
        if (!existsSync(this.run.splitPath)) {
          await saveRowDigests(this.run.digestsPath, { dataset, task });
          await saveSplit(this.run.splitPath, asText(id), asText(split));
        }
        if (begins) {
          this.run.writeConfig(this.config);
          if (says !== undefined) console.warn(printable(says));
        }
        const result = await fit(inputs, this.config.train, this.run, options);
        if (test.length === 0) this.finish(result, { rows: 0 }, parameterCount(model));
        return result;
      } finally {
        model.dispose();
      }
    });
  }

  /**
   * Test the best model on the test split, and finish the run's folder; a finished run is read from it.
   *
   * @throws UserError when the run is not trained yet, or has no test split
   */
  async evaluate<Table = Predictions, Values = Summary>({
    signal,
    onProgress,
  }: EvaluateOptions = {}): Promise<RunResult<Table, Values>> {
    if (this.state().state === "finished") return readRun<Table, Values>(this.run);
    const fitted = await this.trained();
    return this.work(async () => {
      const { dataset, test, task } = await this.data();
      if (test.length === 0) refuseUntested(this.run);
      const { model } = await openTrainedModel(this.run);
      try {
        const options = { ...this.config.predict, signal, onProgress };
        const table = await predict(model, task, dataset, test, options);
        // Without its metrics the run is unfinished, until the other files are there.
        rmSync(this.run.metricsPath, { force: true });
        this.run.writeConfig(this.config);
        writeFileAtomic(this.run.predictionsPath, task.formatTable(table));
        const metrics = { rows: test.length, ...task.metrics(table) };
        this.finish(fitted, metrics, parameterCount(model));
      } finally {
        model.dispose();
      }
      return readRun<Table, Values>(this.run);
    });
  }

  /** Release the model and the data. Every method works afterwards as before. */
  async dispose(): Promise<void> {
    if (!this.working) await this.release();
  }

  private async release(): Promise<void> {
    const { split, older } = this;
    this.split = undefined;
    this.older = [];
    await this.releaseModel();
    // What could not be opened needs no closing, and whoever asked for it was told.
    for (const data of split === undefined ? older : [...older, split]) {
      await (await data.catch(() => undefined))?.dataset.close();
    }
  }

  private async releaseModel(): Promise<void> {
    const { held } = this;
    this.held = undefined;
    (await held?.catch(() => undefined))?.dispose();
  }

  /** How the training that is to be evaluated ended. @throws UserError when it did not */
  private async trained(): Promise<FitResult> {
    const { state, differences } = this.state();
    const checkpoint = state === "interrupted" ? openCheckpoint(this.run.latestPath) : undefined;
    if (checkpoint !== undefined) {
      const { task, val } = await this.data();
      const judge = new Judge(task, this.config.train, val.length > 0);
      const result = fitResult(checkpoint.training, judge, this.config.train);
      if (result !== undefined) return result;
    }
    const why =
      state === "changed"
        ? `was trained with other settings (${differences.join("; ")})`
        : checkpoint === undefined
          ? "is not trained yet"
          : `is trained for ${checkpoint.training.epoch} of ${this.config.train.epochs} epochs`;
    throw new UserError(`${this.run.path} ${why}`, "train it, to the end; then evaluate");
  }

  /** Whether training begins with fresh weights. */
  private begins(ifExists: IfExists): boolean {
    const { state, differences } = this.state();
    if (state === "new" || ifExists === "restart") return true;
    if (state !== "changed") return false;
    if (ifExists === "auto") return true;
    throw new UserError(
      `${this.run.path} holds a run with another config: ${differences.join("; ")}`,
      "restart it, set the values back, or give another folder",
    );
  }

  private openData(
    keepSplit: boolean,
    onProgress?: (done: number, total: number) => void,
  ): Promise<SplitDataset> {
    this.splitIsKept = keepSplit;
    const run = keepSplit ? this.run : undefined;
    return openSplit(this.config, { run, onProgress }).then(
      (split) => {
        for (const notice of split.notices) console.warn(printable(notice));
        return split;
      },
      (error) => {
        this.split = undefined;
        throw error;
      },
    );
  }

  private async openModel(): Promise<Model> {
    const { state } = this.state();
    if (state !== "new" && state !== "changed" && existsSync(this.run.bestPath)) {
      return (await openTrainedModel(this.run)).model;
    }
    const { task } = await this.data();
    return (await createExperimentModel(this.config, task)).model;
  }

  private finish(
    { seconds, bestEpoch, stoppedEarly }: FitResult,
    metrics: { readonly rows: number },
    parameters: number,
  ): void {
    this.run.writeMetrics({ ...metrics, seconds, bestEpoch, stoppedEarly, parameters });
  }

  /** Nobody else may write into the folder meanwhile. */
  private async work<T>(task: () => Promise<T>): Promise<T> {
    const unlock = this.run.lock();
    this.working = true;
    try {
      return await task();
    } finally {
      this.working = false;
      unlock();
    }
  }
}
