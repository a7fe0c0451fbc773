import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors";
import { Random } from "../core/random";
import { balancedRows } from "../data/sampling";
import {
  type AblationFailure,
  type AblationRun,
  type AblationTable,
  ablationCsv,
  ablationLatex,
  ablationTable,
} from "../evaluate/ablation-table";
import { type Predictions, selectPredictions } from "../evaluate/predictions";
import { evaluate } from "../evaluate/summary";
import { makeFolder, writeFileAtomic } from "../io/atomic";
import { type ExperimentConfig, experimentSchema, parseConfig } from "./config";
import { type ConfigFileOptions, readSettings } from "./config-file";
import { Experiment, type ExperimentState } from "./experiment";
import type { FitOptions } from "./fit";
import { mergeSettings, withAssignments } from "./merge-settings";
import { RunFolder } from "./run-folder";

const overlay = z.record(z.string(), z.unknown());

const rowSchema = z.strictObject({
  /** One of `models`. */
  model: z.string(),
  /** One of `regimes` each. */
  trainedOn: z.string(),
  /** One of `regimes`. */
  testedOn: z.string(),
  /** A published result beside which the row is shown. Default: none. */
  published: z
    .strictObject({
      /** 0 … 1. */
      accuracy: z.number(),
      /** Nats. */
      loss: z.number(),
    })
    .optional(),
});

const ablationSchema = z.strictObject({
  /** Each row is run once with each; the table has means and intervals over them. */
  seeds: z.array(z.int()).min(1).default([42]),
  /** Name in the table → what is laid over the file's experiment. */
  models: z.record(z.string(), overlay),
  /** Name in the table → how its classes are balanced. */
  regimes: z.record(z.string(), z.enum(["none", "undersample", "oversample"])),
  rows: z.array(rowSchema).min(1),
});

/** One training of an ablation, with the rows of the table that it serves. */
export interface AblationTraining {
  /** Of its folder. */
  readonly name: string;
  /** What is run. */
  readonly config: ExperimentConfig;
  /** Rows of the table that are computed from it. */
  readonly rows: readonly {
    /** As the file has it. */
    readonly row: z.output<typeof rowSchema>;
    /** Tested on equally many galaxies of each class. */
    readonly balanced: boolean;
  }[];
}

/**
 * Read an ablation: an experiment, and under `ablation` what each row changes about it.
 *
 * Rows that differ only in what they are tested on share a training. Assignments come last, so that none
 * is overruled by what a row changes.
 *
 * @throws UserError naming the file and each key that is wrong.
 */
export function loadAblation(path: string, options: ConfigFileOptions = {}): AblationTraining[] {
  const own = (assignment: string) => /^ablation[.=]/.test(assignment);
  const set = options.set ?? [];
  const { ablation, ...common } = readSettings(path, { ...options, set: set.filter(own) });
  const { seeds, models, regimes, rows } = parseConfig(
    ablationSchema.superRefine(checkNames),
    ablation,
    `${path}, ablation`,
  );
  const last = set.filter((assignment) => !own(assignment));
  const trainings = new Map<string, AblationTraining>();
  for (const row of rows) {
    for (const seed of seeds) {
      const name = `${folderName(row.model)}-${folderName(row.trainedOn)}-seed${seed}`;
      const balance = regimes[row.trainedOn];
      const settings = [
        models[row.model],
        balance === "none" ? {} : { data: { balance } },
        { train: { seed } },
      ].reduce(mergeSettings, common);
      trainings.set(name, {
        name,
        config: parseConfig(
          experimentSchema,
          withAssignments(settings, last),
          `${path}, ${row.model}`,
        ),
        rows: [
          ...(trainings.get(name)?.rows ?? []),
          { row, balanced: regimes[row.testedOn] !== "none" },
        ],
      });
    }
  }
  return [...trainings.values()];
}

/** A row may only name models and regimes that are there, and no two may mean the same run. */
function checkNames(
  { models, regimes, rows }: z.output<typeof ablationSchema>,
  context: z.RefinementCtx,
): void {
  const issue = (path: (string | number)[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  const check = (row: number, key: string, name: string, known: object) => {
    if (Object.hasOwn(known, name)) return;
    const names = Object.keys(known).join(", ");
    issue(["rows", row, key], `"${name}" is not there; expected one of ${names}`);
  };
  for (const [i, row] of rows.entries()) {
    check(i, "model", row.model, models);
    check(i, "trainedOn", row.trainedOn, regimes);
    check(i, "testedOn", row.testedOn, regimes);
    const same = rows.findIndex((other) =>
      (["model", "trainedOn", "testedOn"] as const).every((key) => other[key] === row[key]),
    );
    if (same < i) issue(["rows", i], `the same as row ${same}; each row may be there once`);
  }
  for (const [key, named] of Object.entries({ models, regimes })) {
    const folders = new Map<string, string>();
    for (const name of Object.keys(named)) {
      const folder = folderName(name);
      const other = folders.get(folder);
      if (folder === "") issue([key, name], "a name needs a letter or a digit, for its folder");
      else if (other !== undefined) {
        issue([key, name], `would have the folder of "${other}", ${folder}; rename one of them`);
      }
      folders.set(folder, name);
    }
  }
}

const folderName = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");

/** What becomes of one training, said before it begins. */
export interface AblationStep extends ExperimentState {
  /** Of the training, and of its folder. */
  readonly name: string;
  /** From 0, of `total`. */
  readonly index: number;
  /** How many trainings there are. */
  readonly total: number;
}

/** How {@link runAblation} goes; the rest are those of `fit`, for each run. */
export interface AblationOptions extends FitOptions {
  /** Before each training. */
  readonly onTraining?: (step: AblationStep) => void;
  /** When a training has failed. The others go on. */
  readonly onFailure?: (name: string, error: unknown) => void;
}

/**
 * Do what is left of an ablation: finished runs are kept, an interrupted one goes on, one whose config
 * has changed is made anew. After each the table is written as `ablation.csv` and `ablation.tex`.
 *
 * A training that fails is told of, and its rows say why in the table; the others go on. The next time it
 * is tried again.
 *
 * @param out Folder of the runs.
 * @throws whatever the signal was aborted with
 */
export async function runAblation(
  trainings: readonly AblationTraining[],
  out: string,
  { onTraining, onFailure, ...options }: AblationOptions = {},
): Promise<AblationTable> {
  makeFolder(out);
  const failures = new Map<string, string>();
  for (const [index, { name, config }] of trainings.entries()) {
    options.signal?.throwIfAborted();
    const experiment = new Experiment(config, new RunFolder(join(out, name)));
    try {
      const state = experiment.state();
      onTraining?.({ name, index, total: trainings.length, ...state });
      if (state.state === "finished") continue;
      await experiment.train(options);
      await experiment.evaluate({ signal: options.signal });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      failures.set(name, error instanceof UserError ? error.problem : String(error));
      onFailure?.(name, error);
    } finally {
      await experiment.dispose();
    }
    await writeTable(trainings, out, failures);
  }
  return writeTable(trainings, out, failures);
}

/**
 * The table of an ablation from the folders of its finished runs; nothing is trained.
 *
 * @param failures Name of a training that failed → why: it is not read. Default: none.
 */
export async function readAblation(
  trainings: readonly AblationTraining[],
  out: string,
  failures: ReadonlyMap<string, string> = new Map(),
): Promise<AblationTable> {
  const runs: AblationRun[] = [];
  const failed: AblationFailure[] = [];
  for (const { name, config, rows } of trainings) {
    const reason = failures.get(name);
    if (reason !== undefined) {
      failed.push(...rows.map(({ row }) => ({ ...row, reason: `${name}: ${reason}` })));
      continue;
    }
    const experiment = new Experiment(config, new RunFolder(join(out, name)));
    if (experiment.state().state !== "finished") continue;
    const { predictions, metrics } = await experiment.evaluate();
    for (const { row, balanced } of rows) {
      runs.push({
        ...row,
        metrics: balanced ? evaluate(balancedTest(predictions, config.data.splitSeed)) : metrics,
      });
    }
  }
  const table = ablationTable(runs);
  return failed.length > 0 ? { ...table, failures: failed } : table;
}

/** As many test galaxies of each class as the rarest has, the same ones for every model. */
function balancedTest(predictions: Predictions, seed: number): Predictions {
  const all = predictions.labels.map((_, row) => row);
  const random = new Random(seed, "balanced test");
  return selectPredictions(
    predictions,
    balancedRows(predictions.labels, all, "undersample", random),
  );
}

async function writeTable(
  trainings: readonly AblationTraining[],
  out: string,
  failures: ReadonlyMap<string, string>,
): Promise<AblationTable> {
  const table = await readAblation(trainings, out, failures);
  writeFileAtomic(join(out, "ablation.csv"), ablationCsv(table));
  writeFileAtomic(join(out, "ablation.tex"), ablationLatex(table));
  return table;
}
