import { basename, extname, join, resolve } from "node:path";
import { UserError } from "../core/errors";
import { resultsFolder } from "../io/paths";
import { type ExperimentSettings, experimentSchema, parseConfig } from "./config";
import { configDifferences } from "./config-columns";
import { type ConfigFileOptions, configNames, loadConfig } from "./config-file";
import { Experiment } from "./experiment";
import { withAssignments } from "./merge-settings";
import { RunFolder } from "./run-folder";
import type { RunResult } from "./run-result";

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
