import { UserError } from "../core/errors";
import { Random } from "../core/random";
import { asText } from "../core/table";
import type { Dataset } from "../data/dataset";
import { openDataset } from "../data/open";
import { balancedRows } from "../data/sampling";
import { rowsOfSplit, saveSplit, stratifiedSplit, takeFraction } from "../data/splits";
import { startEngine } from "../engine/start";
import type { Predictions } from "../evaluate/predictions";
import { writePredictions } from "../evaluate/predictions-file";
import { evaluate, type Summary } from "../evaluate/summary";
import { writeFileAtomic } from "../io/atomic";
import { type LoadedModel, loadModel, loadWeights } from "../models/model-file";
import type { Model } from "../models/module";
import { createModel, modelDefinition } from "../models/registry";
import { createPretrained } from "../models/weights";
import { predict } from "../predict/predict";
import { createTask } from "../tasks/registry";
import type { Task } from "../tasks/task";
import { openCheckpoint } from "./checkpoint";
import { type Experiment, experimentSchema, parseConfig } from "./config";
import { type FitOptions, type FitResult, fit } from "./fit";
import { type Existing, RunFolder } from "./run-folder";

/** A data set with its rows shared out. */
export interface SplitDataset {
  /** Its table's column `split` says where each row went; `unused` where `fraction` left it out. */
  readonly dataset: Dataset;
  /** What a network is asked about it. */
  readonly task: Task;
  readonly train: Uint32Array;
  readonly val: Uint32Array;
  readonly test: Uint32Array;
}

/** Galaxy Zoo's 424-pixel images hold the galaxy in the middle; arXiv:2110.01024 crops them to 224. */
const GALAXY_ZOO = { side: 424, crop: 224 };

/**
 * Open an experiment's data at the model's size and share the rows out, class by class.
 *
 * A data set that brings its own `split` column with a test part keeps it; where that has no
 * validation part, one is taken from its training part. Images of Galaxy Zoo's size and above are
 * cropped to their middle unless `crop` says otherwise. `balance` acts after the split, so that no
 * galaxy is both learned from and tested on.
 */
export async function openExperimentData(
  { data, task: name, train: { loss } }: Experiment,
  size: number,
  onProgress?: (done: number, total: number) => void,
): Promise<SplitDataset> {
  const { spec, skipBad } = data;
  const whole = await openDataset(spec, { skipBad, onProgress });
  const side = Math.min(...whole.imageSize);
  const middle = Math.round((side * GALAXY_ZOO.crop) / GALAXY_ZOO.side);
  const crop = data.crop ?? (side >= GALAXY_ZOO.side ? middle : undefined);
  await whole.close();
  const opened = await openDataset(spec, { skipBad, crop, size: data.size ?? size });
  const task = createTask(opened, { task: name, loss });
  const split = shareOut(opened, task, data);
  const dataset = { ...opened, table: { ...opened.table, split } };
  const learned = (name: string) => {
    const rows = rowsOfSplit(split, name);
    // Rows repeated would only be counted twice where nothing is learned.
    const repeats = data.balance === "oversample" && name !== "train";
    if (data.balance === undefined || repeats) return rows;
    const random = new Random(data.splitSeed, `balanced ${name}`);
    return balancedRows(task.strata(opened).of, rows, data.balance, random);
  };
  return {
    dataset,
    task,
    train: learned("train"),
    val: learned("val"),
    test: rowsOfSplit(split, "test"),
  };
}

function shareOut(dataset: Dataset, task: Task, data: Experiment["data"]): string[] {
  const { table, size } = dataset;
  const { of: labels, names: classNames } = task.strata(dataset);
  const [train, val, test] = data.split;
  const options = { seed: data.splitSeed, classNames };
  const everyRow = Array.from(labels.keys()).filter((row) => labels[row] >= 0);
  const kept = takeFraction(labels, everyRow, data.fraction, data.splitSeed);
  const names = new Array<string>(size).fill("unused");
  const given = table.split === undefined ? undefined : asText(table.split);
  if (given?.includes("test")) {
    for (const row of kept) names[row] = given[row];
    if (given.includes("val")) return names;
    const rows = [...kept].filter((row) => given[row] === "train");
    const own = stratifiedSplit(
      rows.map((row) => labels[row]),
      { train, val },
      options,
    );
    for (const [i, row] of rows.entries()) names[row] = own[i];
    return names;
  }
  const own = stratifiedSplit(
    Array.from(kept, (row) => labels[row]),
    { train, val, test },
    options,
  );
  for (const [i, row] of kept.entries()) names[row] = own[i];
  return names;
}

/** The model of an experiment, with fresh weights or those that its `weights` name. */
export async function createExperimentModel(
  { model, train, data }: Experiment,
  numClasses: number,
): Promise<Model> {
  await startEngine();
  const { name, weights, ...options } = model;
  const inputSize = data.size === undefined ? undefined : ([data.size, data.size] as const);
  const given = { ...options, numClasses, inputSize, seed: train.seed };
  if (weights === "published") return (await createPretrained(name, given)).model;
  const created = createModel(name, given);
  if (weights !== undefined) loadWeights(created, weights, { head: "replace" });
  return created;
}

/** Height and width in pixels that an experiment's images are brought to. */
export function experimentSize({ model, data }: Experiment): number {
  return data.size ?? modelDefinition(model.name).inputSize[0];
}

/** What a finished run says. */
export interface ExperimentResult {
  readonly run: RunFolder;
  readonly fit: FitResult;
  readonly predictions: Predictions;
  readonly metrics: Summary;
}

/**
 * Write what a run's folder holds besides its checkpoints: predictions, metrics, its split.
 *
 * @returns the metrics on the test split
 */
export async function recordEvaluation(
  run: RunFolder,
  predictions: Predictions,
  extra: object = {},
): Promise<Summary> {
  const metrics = evaluate(predictions);
  await writePredictions(run.predictionsPath, predictions);
  writeFileAtomic(run.metricsPath, `${JSON.stringify({ ...metrics, ...extra }, null, 2)}\n`);
  return metrics;
}

/**
 * Do an experiment from data to metrics in a folder: what `tuning-fork train` and a row of the
 * ablation are.
 *
 * @param existing What to do where the folder holds a run.
 */
export async function runExperiment(
  experiment: Experiment,
  out: string,
  existing: Existing = "resume",
  options: FitOptions & { onData?: (done: number, total: number) => void } = {},
): Promise<ExperimentResult | undefined> {
  const run = new RunFolder(out);
  if (!run.begin(experiment, existing)) return undefined;
  const data = await openExperimentData(experiment, experimentSize(experiment), options.onData);
  const { dataset, task, train } = data;
  const model = await createExperimentModel(experiment, task.numLogits);
  try {
    await saveSplit(run.splitPath, asText(dataset.table.id), asText(dataset.table.split));
    const val = data.val.length > 0 ? data.val : undefined;
    const inputs = { model, task, dataset, train, val };
    const fitted = await fit(inputs, experiment.train, run, options);
    const predictions = await predict(model, dataset, data.test, {
      ...experiment.predict,
      signal: options.signal,
    });
    const { seconds, bestEpoch } = fitted;
    const metrics = await recordEvaluation(run, predictions, { seconds, bestEpoch });
    run.markComplete({ accuracy: metrics.accuracy, logLoss: metrics.logLoss, seconds, bestEpoch });
    return { run, fit: fitted, predictions, metrics };
  } finally {
    model.dispose();
    await dataset.close();
  }
}

/**
 * The best model of a run, from its folder alone.
 *
 * @throws UserError when the folder holds no run, or one without a checkpoint
 */
export async function openTrainedModel(
  run: RunFolder,
): Promise<LoadedModel & { readonly experiment: Experiment }> {
  const experiment = parseConfig(experimentSchema, run.readConfig(), run.configPath);
  const best = openCheckpoint(run.bestPath) ?? openCheckpoint(run.latestPath);
  if (best === undefined) {
    throw new UserError(`${run.path} has no checkpoint`, "train it first");
  }
  await startEngine();
  return { ...loadModel(best.files.model), experiment };
}
