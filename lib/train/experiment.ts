import { existsSync } from "node:fs";
import { UserError } from "../core/errors";
import { kernelHost } from "../core/kernel-host";
import { printable } from "../core/printable";
import { asText } from "../core/table";
import { saveSplit } from "../data/splits";
import type { Predictions } from "../evaluate/predictions";
import type { Summary } from "../evaluate/summary";
import { parameterCount } from "../models/model-summary";
import type { Model } from "../models/module";
import { openCheckpoint } from "./checkpoint";
import { type ExperimentConfig, experimentSchema, parseConfig } from "./config";
import { settingsColumns } from "./config-columns";
import { type EvaluateOptions, evaluateRun } from "./evaluate-run";
import type { SplitDataset } from "./experiment-data";
import { createExperimentModel, openTrainedModel } from "./experiment-model";
import {
  beginsAnew,
  type ExperimentState,
  experimentState,
  type IfExists,
} from "./experiment-state";
import { checkFit, type FitOptions, fit } from "./fit";
import { HeldData } from "./held-data";
import { type FitResult, fitResult, Judge } from "./monitor";
import { PeakMemory } from "./peak-memory";
import { saveRowDigests } from "./row-digests";
import type { RunFolder } from "./run-folder";
import { type RunResult, readRun, readTraining, refuseUntested } from "./run-result";

/** Which settings {@link Experiment.settings} shows. */
export interface SettingsOptions {
  /** Every key. Default false. */
  readonly all?: boolean;
}

/** How {@link Experiment.train} goes. */
export interface TrainOptions extends FitOptions {
  /** Default `auto`. */
  readonly ifExists?: IfExists;
  /** Called while data are downloaded or generated. */
  readonly onData?: (done: number, total: number) => void;
}

/**
 * One experiment: a model, its data, and the folder of its run.
 *
 * Every method can be called again, and in any order that makes sense: it takes what the folder holds
 * and does the rest. The folder is the truth; nothing that was computed lives in this object alone.
 */
export class Experiment {
  private readonly opened: HeldData;
  private held: Promise<Model> | undefined;
  private working = false;

  /** See `openExperiment`. */
  constructor(
    /** Everything that decides the run. */
    readonly config: ExperimentConfig,
    /** Its folder. */
    readonly run: RunFolder,
  ) {
    this.opened = new HeldData(config, run);
  }

  /**
   * The settings as a table: what `showTable` takes. One row a key: those that are not as they are where nothing
   * is said, and what everybody asks for, such as the learning rate.
   */
  settings(options: SettingsOptions = {}): ReturnType<typeof settingsColumns> {
    if (options.all) return settingsColumns(this.config);
    // Of an experiment about which nothing is said; its data and model are nobody's.
    const unsaid = { data: { spec: "?" }, model: { name: "?" } };
    return settingsColumns(this.config, parseConfig(experimentSchema, unsaid));
  }

  /** Where the run stands. @throws UserError when a file of the folder is damaged */
  state(): ExperimentState {
    return experimentState(this.config, this.run);
  }

  /**
   * The data, opened once, at this model's size and with its crop, and each row's split: that of the run
   * where there is one, so that rows which came later are not mixed in.
   *
   * @throws UserError when galaxies of the run are gone, or have other targets
   */
  async data(onProgress?: (done: number, total: number) => void): Promise<SplitDataset> {
    return this.opened.get(() => this.goesOn(), onProgress);
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
      const begins = beginsAnew(this.state(), ifExists, this.run);
      if (!begins && this.run.status === "complete") return readTraining(this.run);
      await this.releaseModel();
      // Whatever can be refused is, before anything of an older run is removed.
      const data = begins ? this.opened.drawn(onData) : this.data(onData);
      const { dataset, task, train, val, test } = await data;
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
          this.run.writeTask(task.description);
          this.run.writeConfig(this.config);
          // In a cell it is no complaint; in a terminal standard output is for results.
          const say = kernelHost() ? console.log : console.warn;
          if (says !== undefined) say(printable(says));
        }
        const memory = new PeakMemory();
        const result = await fit(inputs, this.config.train, this.run, {
          ...options,
          onStep(report) {
            memory.look();
            options.onStep?.(report);
          },
        });
        this.run.writeTrainingComplete({
          epochs: Object.values(result.history)[0]?.length ?? 0,
          bestEpoch: result.bestEpoch,
          seconds: result.seconds,
          stoppedEarly: result.stoppedEarly,
          peakMemory: memory.bytes,
        });
        if (test.length === 0) {
          const { signal } = options;
          const metrics = await evaluateRun(this.run, model, await data, this.config, { signal });
          this.finish(result, metrics, parameterCount(model));
        }
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
  async evaluate<Table = Predictions, Values = Summary>(
    options: EvaluateOptions = {},
  ): Promise<RunResult<Table, Values>> {
    if (this.state().state === "finished") return readRun<Table, Values>(this.run);
    const fitted = await this.trained();
    return this.work(async () => {
      const data = await this.data();
      if (data.test.length === 0) refuseUntested(this.run);
      const { model } = await openTrainedModel(this.run);
      try {
        const metrics = await evaluateRun(this.run, model, data, this.config, options);
        this.finish(fitted, metrics, parameterCount(model));
      } finally {
        model.dispose();
      }
      return readRun<Table, Values>(this.run);
    });
  }

  /** Release the model and the data. Every method works afterwards as before. */
  async dispose(): Promise<void> {
    if (this.working) return;
    await this.releaseModel();
    await this.opened.close();
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

  /** Whether the folder holds this very run. */
  private goesOn(): boolean {
    const { state } = this.state();
    return state === "interrupted" || state === "finished";
  }

  private async openModel(): Promise<Model> {
    if (this.goesOn() && existsSync(this.run.bestPath)) {
      return (await openTrainedModel(this.run)).model;
    }
    const { task } = await this.data();
    return (await createExperimentModel(this.config, task)).model;
  }

  private finish(
    { history, seconds, bestEpoch, stoppedEarly }: FitResult,
    metrics: { readonly rows: number },
    parameters: number,
  ): void {
    // Somebody may have deleted it since.
    if (!existsSync(this.run.historyPath)) this.run.writeHistory(history);
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
