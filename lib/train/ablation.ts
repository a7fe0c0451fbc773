import { join } from "node:path";
import { UserError } from "../core/errors";
import { Random } from "../core/random";
import {
  type AblationFailure,
  type AblationRun,
  type AblationTable,
  ablationCsv,
  ablationLatex,
  ablationTable,
  modelLabel,
} from "../evaluate/ablation-table";
import { makeFolder, writeFileAtomic } from "../io/atomic";
import type { PredictionTable, Task } from "../tasks/task";
import type { AblationTestedRow, AblationTraining } from "./ablation-config";
import { Experiment } from "./experiment";
import { type ExperimentState, experimentState } from "./experiment-state";
import type { FitOptions } from "./fit";
import { RunFolder } from "./run-folder";
import { readAnswers, refuseUntested } from "./run-result";

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
  for (const [index, { name, config, rows }] of trainings.entries()) {
    options.signal?.throwIfAborted();
    const experiment = new Experiment(config, new RunFolder(join(out, name)));
    try {
      const state = experiment.state();
      onTraining?.({ name, index, total: trainings.length, ...state });
      if (state.state === "finished") continue;
      // Hours of training would be in vain if only the table found out.
      const { task, test } = await experiment.data();
      if (test.length === 0) refuseUntested(experiment.run);
      for (const row of rows) checkRow(task, row);
      await experiment.train(options);
      await experiment.evaluate({ signal: options.signal });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      failures.set(name, sentenceOf(error));
      onFailure?.(name, error);
    } finally {
      await experiment.dispose();
    }
    await writeAblation(trainings, out, failures);
  }
  return writeAblation(trainings, out, failures);
}

/**
 * The table of an ablation from the folders of its finished runs; nothing is trained. The metrics are those
 * that the task tells first, and those that a row has published. A row is called after its model and, where
 * another architecture was trained, after that, too.
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
  for (const { name, config, rows: asked } of trainings) {
    const rows = asked.map((one) => {
      const model = modelLabel(one.row.model, config.model.name);
      return { ...one, row: { ...one.row, model } };
    });
    const fail = (why: string) => {
      failed.push(...rows.map(({ row }) => ({ ...row, reason: `${name}: ${why}` })));
    };
    const reason = failures.get(name);
    if (reason !== undefined) {
      fail(reason);
      continue;
    }
    const run = new RunFolder(join(out, name));
    if (experimentState(config, run).state !== "finished") continue;
    try {
      const { task, predictions } = await readAnswers(run);
      runs.push(...rows.map((row) => testedRun(task, predictions, row, config.data.splitSeed)));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      fail(error.problem);
    }
  }
  const table = ablationTable(runs);
  return failed.length > 0 ? { ...table, failures: failed } : table;
}

const sentenceOf = (error: unknown) => (error instanceof UserError ? error.problem : String(error));

/** @throws UserError when the task cannot give what a row of the table wants of it */
function checkRow(task: Task, { row, balanced }: AblationTestedRow): void {
  const { description, headline, monitors, undersample } = task;
  const known = [...new Set([...headline, ...Object.keys(monitors)])];
  for (const name of Object.keys(row.published ?? {})) {
    if (known.includes(name)) continue;
    throw new UserError(
      `published.${name}: the task ${description.task} has no such metric`,
      `take one of ${known.join(", ")}`,
    );
  }
  if (!balanced || undersample !== undefined) return;
  throw new UserError(
    `"${row.testedOn}" is balanced, and the task ${description.task} cannot balance what it is tested on`,
    "give rows a testedOn whose regime is none",
  );
}

/** A row's numbers: the same galaxies for every model, where equally many of each kind are wanted. */
function testedRun(
  task: Task,
  predictions: PredictionTable,
  tested: AblationTestedRow,
  seed: number,
): AblationRun {
  checkRow(task, tested);
  const { row, balanced } = tested;
  const random = new Random(seed, "balanced test");
  const table = (balanced && task.undersample?.(predictions, random)) || predictions;
  const values = { ...task.monitored(table), ...task.metrics(table) };
  const names = [...new Set([...task.headline, ...Object.keys(row.published ?? {})])];
  return {
    ...row,
    // Of null, which says that a metric is not defined, Number would make 0.
    metrics: Object.fromEntries(names.map((name) => [name, Number(values[name] ?? Number.NaN)])),
    better: task.monitors[names[0]],
    breakdown: task.breakdown?.(table),
  };
}

/**
 * The table of an ablation, as {@link readAblation} gives it, also as `ablation.csv` and `ablation.tex`
 * beside the runs.
 *
 * @param failures Name of a training that failed → why. Default: none.
 */
export async function writeAblation(
  trainings: readonly AblationTraining[],
  out: string,
  failures?: ReadonlyMap<string, string>,
): Promise<AblationTable> {
  const table = await readAblation(trainings, out, failures);
  writeFileAtomic(join(out, "ablation.csv"), ablationCsv(table));
  writeFileAtomic(join(out, "ablation.tex"), ablationLatex(table));
  return table;
}
