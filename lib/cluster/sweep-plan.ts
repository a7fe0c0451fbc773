import { join } from "node:path";
import { UserError } from "../core/errors";
import { tableCsv } from "../evaluate/model-table";
import {
  rankedTrials,
  type SweepTable,
  type SweepTrial,
  sweepColumns,
} from "../evaluate/sweep-table";
import { writeFileAtomic } from "../io/atomic";
import { parallelCoordinates } from "../plots/parallel-coordinates";
import { parameterImportanceBars } from "../plots/parameter-importance-bars";
import { taskFromDescription } from "../tasks/registry";
import type { ConfigFileOptions } from "../train/config-file";
import { comparedBy, type Monitor } from "../train/monitor";
import { RunFolder } from "../train/run-folder";
import { readTraining } from "../train/run-result";
import { fileSettings, trainUnit } from "./ablation-plan";
import type { Plan, PlanParts } from "./plan";
import type { PlanFolder } from "./plan-folder";
import type { PlanKind } from "./plan-kind";
import { loadSweep, type Sweep } from "./sweep-config";

/**
 * The trainings of a sweep as units of a plan; of successive halving those of the first round.
 *
 * @param folder The plan's: runs come into it.
 * @throws UserError naming the file and each key that is wrong
 */
export function sweepPlan(
  config: string,
  folder: string,
  options: ConfigFileOptions = {},
): PlanParts {
  const { first } = loadSweep(config, options);
  const units = first.map((one) => trainUnit(one.name, one.config, folder));
  return { kind: "sweep", settings: { config, ...options }, units };
}

/**
 * What the finished trials of a sweep found.
 *
 * @throws UserError when a trial has no validation galaxies to be judged by
 */
export function readSweep(folder: PlanFolder, plan: Plan): SweepTable {
  return sweepTable(loadOwn(plan), folder, plan);
}

function loadOwn({ settings }: Plan): Sweep {
  const { config, ...options } = fileSettings.parse(settings);
  return loadSweep(config, options);
}

function sweepTable(sweep: Sweep, folder: PlanFolder, plan: Plan): SweepTable {
  let metric: Monitor | undefined;
  const candidates = new Map(sweep.first.map((one) => [one.name, one]));
  const trials = plan.units.map((unit): SweepTrial => {
    const epochs = Number(/-epochs-(\d+)$/.exec(unit.name)?.[1] ?? Number.NaN);
    const candidate = candidates.get(unit.name) ?? sweep.again(unit.name, epochs);
    const { train } = candidate.config;
    const trial = {
      name: unit.name,
      values: candidate.values.map((value) => (typeof value === "number" ? value : String(value))),
      epochs: train.epochs,
    };
    if (folder.done(unit) === undefined)
      return { ...trial, score: Number.NaN, seconds: Number.NaN };
    const run = new RunFolder(join(folder.path, unit.name));
    const { history, bestEpoch, seconds } = readTraining(run);
    const description = run.readTask();
    if (description === undefined) {
      throw new UserError(
        `${run.path} does not say what it was asked`,
        "remove it and submit again",
      );
    }
    const task = taskFromDescription(description);
    const monitor = comparedBy(task, train);
    metric ??= monitor;
    const score = history[monitor.column]?.[history.epoch.indexOf(bestEpoch)];
    if (score !== undefined) return { ...trial, score, seconds };
    throw new UserError(
      `${run.path} was not looked at with validation galaxies, by which a sweep chooses`,
      "give the validation split a share in data.split",
    );
  });
  if (metric === undefined) {
    throw new UserError("no trial is finished yet", "submit the plan, and collect when some are");
  }
  const { column, better } = metric;
  return { parameters: sweep.parameters, metric: column, better, trials };
}

/** What becomes of a sweep: its table, best first, and figures of the trials that all were begun. */
export const sweep: PlanKind = {
  async collect(folder, plan) {
    const table = readSweep(folder, plan);
    const path = join(folder.path, "sweep.csv");
    writeFileAtomic(path, tableCsv(sweepColumns(table)));
    const [best] = rankedTrials(table);
    return {
      files: [path],
      says: `${table.trials.length} trials, the best ${best.name} with ${table.metric} ${Number(best.score.toPrecision(4))}`,
      figures: {
        "parallel-coordinates": parallelCoordinates(table),
        "parameter-importance": parameterImportanceBars(table),
      },
    };
  },
  async next(folder, plan) {
    const own = loadOwn(plan);
    const { rounds = [] } = own;
    const planned = (epochs: number) =>
      plan.units.filter(({ name }) => name.endsWith(`-epochs-${epochs}`));
    const round = rounds.findIndex((epochs) => planned(epochs).length === 0);
    if (round < 1) return [];
    const before = planned(rounds[round - 1]);
    if (!before.some((unit) => folder.done(unit))) return [];
    const ranked = rankedTrials(sweepTable(own, folder, { ...plan, units: before }));
    return ranked
      .slice(0, own.keep(before.length))
      .filter(({ score }) => Number.isFinite(score))
      .map(({ name }) => own.again(name, rounds[round]))
      .map((one) => trainUnit(one.name, one.config, folder.path));
  },
};
