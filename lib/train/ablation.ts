import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Random } from "../core/random";
import { balancedRows } from "../data/sampling";
import {
  type AblationRun,
  type AblationTable,
  ablationCsv,
  ablationLatex,
  ablationTable,
} from "../evaluate/ablation";
import { type Predictions, selectPredictions } from "../evaluate/predictions";
import { readPredictions } from "../evaluate/predictions-file";
import { evaluate } from "../evaluate/summary";
import { writeFileAtomic } from "../io/atomic";
import { type Experiment, experimentSchema, parseConfig } from "./config";
import { type ConfigFileOptions, readSettings } from "./config-file";
import { runExperiment } from "./experiment";
import type { FitOptions } from "./fit";
import { mergeSettings } from "./merge-settings";
import { RunFolder } from "./run-folder";

const overlay = z.record(z.string(), z.unknown());

const rowSchema = z.strictObject({
  /** One of `models`. */
  model: z.string(),
  /** One of `regimes` each. */
  trainedOn: z.string(),
  testedOn: z.string(),
  published: z.strictObject({ accuracy: z.number(), loss: z.number() }).optional(),
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
  readonly experiment: Experiment;
  readonly rows: readonly {
    readonly row: z.output<typeof rowSchema>;
    /** Tested on equally many galaxies of each class. */
    readonly balanced: boolean;
  }[];
}

/**
 * Read an ablation: an experiment, and under `ablation` what each row changes about it.
 *
 * Rows that differ only in what they are tested on share a training.
 *
 * @throws UserError naming the file and each key that is wrong.
 */
export function loadAblation(path: string, options: ConfigFileOptions = {}): AblationTraining[] {
  const { ablation, ...common } = readSettings(path, options);
  const { seeds, models, regimes, rows } = parseConfig(
    ablationSchema.superRefine(checkNames),
    ablation,
    `${path}, ablation`,
  );
  const trainings = new Map<string, AblationTraining>();
  for (const row of rows) {
    for (const seed of seeds) {
      const name = `${asName(row.model)}-${asName(row.trainedOn)}-seed${seed}`;
      const balance = regimes[row.trainedOn];
      const settings = [
        models[row.model],
        balance === "none" ? {} : { data: { balance } },
        { train: { seed } },
      ].reduce(mergeSettings, common);
      trainings.set(name, {
        name,
        experiment: parseConfig(experimentSchema, settings, `${path}, ${row.model}`),
        rows: [
          ...(trainings.get(name)?.rows ?? []),
          { row, balanced: regimes[row.testedOn] !== "none" },
        ],
      });
    }
  }
  return [...trainings.values()];
}

/** A row may only name models and regimes that are there. */
function checkNames(
  { models, regimes, rows }: z.output<typeof ablationSchema>,
  context: z.RefinementCtx,
): void {
  const check = (row: number, key: string, name: string, known: object) => {
    if (Object.hasOwn(known, name)) return;
    const message = `"${name}" is not there; expected one of ${Object.keys(known).join(", ")}`;
    context.addIssue({ code: "custom", path: ["rows", row, key], message });
  };
  for (const [i, row] of rows.entries()) {
    check(i, "model", row.model, models);
    check(i, "trainedOn", row.trainedOn, regimes);
    check(i, "testedOn", row.testedOn, regimes);
  }
}

const asName = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");

/** What becomes of one training, said before it begins. */
export interface AblationStep {
  readonly name: string;
  /** From 0, of `total`. */
  readonly index: number;
  readonly total: number;
  /** `changed`: a run of another config is there and is made anew. */
  readonly state: "finished" | "interrupted" | "changed" | "new";
  /** The keys in which its config changed. */
  readonly differences: readonly string[];
}

/**
 * Do what is left of an ablation: finished runs are kept, an interrupted one goes on, one whose config
 * has changed is made anew. After each the table is written as `ablation.csv` and `ablation.tex`.
 *
 * @param out Folder of the runs.
 * @param options Those of `fit`, for each run; `onTraining` before each of them.
 */
export async function runAblation(
  trainings: readonly AblationTraining[],
  out: string,
  options: FitOptions & { readonly onTraining?: (step: AblationStep) => void } = {},
): Promise<AblationTable> {
  mkdirSync(out, { recursive: true });
  const { onTraining, ...fitOptions } = options;
  for (const [index, { name, experiment }] of trainings.entries()) {
    options.signal?.throwIfAborted();
    const run = new RunFolder(join(out, name));
    const differences = run.differencesFrom(experiment);
    const state = stateOf(run, differences);
    onTraining?.({ name, index, total: trainings.length, state, differences });
    if (state === "finished") continue;
    await runExperiment(experiment, run.path, "renew", fitOptions);
    await writeTable(trainings, out);
  }
  return writeTable(trainings, out);
}

/** The table of an ablation from the folders of its finished runs; nothing is trained. */
export async function readAblation(
  trainings: readonly AblationTraining[],
  out: string,
): Promise<AblationTable> {
  const runs: AblationRun[] = [];
  for (const { name, experiment, rows } of trainings) {
    const run = new RunFolder(join(out, name));
    if (stateOf(run, run.differencesFrom(experiment)) !== "finished") continue;
    const predictions = await readPredictions(run.predictionsPath);
    for (const { row, balanced } of rows) {
      const metrics = evaluate(
        balanced ? balancedTest(predictions, experiment.data.splitSeed) : predictions,
      );
      runs.push({ ...row, metrics });
    }
  }
  return ablationTable(runs);
}

function stateOf(run: RunFolder, differences: readonly string[]): AblationStep["state"] {
  if (run.status === "absent") return "new";
  if (differences.length > 0) return "changed";
  return run.status === "complete" ? "finished" : "interrupted";
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
): Promise<AblationTable> {
  const table = await readAblation(trainings, out);
  writeFileAtomic(join(out, "ablation.csv"), ablationCsv(table));
  writeFileAtomic(join(out, "ablation.tex"), ablationLatex(table));
  return table;
}
