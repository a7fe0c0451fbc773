import { copyFileSync, existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { stringify } from "yaml";
import { UserError } from "../core/errors";
import { printable } from "../core/printable";
import { asText } from "../core/table";
import { saveSplit } from "../data/splits";
import { makeFolder, writeFileAtomic } from "../io/atomic";
import type { LoadedModel } from "../models/model-file";
import { networkPredictor } from "../predict/network-predictor";
import { createTask, taskDefinition } from "../tasks/registry";
import type { PredictionTable, Task } from "../tasks/task";
import { digestOf, openCheckpoint } from "../train/checkpoint";
import { type ExperimentConfig, parseConfig } from "../train/config";
import { configDifferences } from "../train/config-columns";
import { openSplit, type SplitDataset } from "../train/experiment-data";
import { openTrainedModel } from "../train/experiment-model";
import { PeakMemory } from "../train/peak-memory";
import { historyColumns, RunFolder } from "../train/run-folder";
import { type RunResult, readRun, refuseUntested } from "../train/run-result";
import { type BoostMatrix, rowsOf } from "./boost-matrix";
import { type BoostConfig, type BoostSettings, boostSchema } from "./boost-settings";
import { readNote, saveTrees } from "./boosted-files";
import { type BoostedTrees, type BoostOptions, trainTrees } from "./boosted-trees";
import { cachedFeatures } from "./feature-cache";
import { boosterLibrary } from "./registry";

/** What is boosted. */
export interface BoostedSettings {
  /** Name of a library: `xgboost` or `lightgbm`. */
  readonly library: string;
  /** Folder of the run whose network gives the features. It must be trained. */
  readonly backbone: string;
  /** Folder of this run. */
  readonly run: string;
  /** How. Default: every key at its default. */
  readonly boost?: BoostSettings;
}

/** How a boosted run goes. */
export interface BoostedRunOptions extends BoostOptions {
  /**
   * What is done where the folder holds a run: `auto` keeps a finished one of the same settings and makes
   * any other anew, `restart` makes it anew, `skip` keeps whatever is there. Default `auto`.
   */
  readonly ifExists?: "auto" | "restart" | "skip";
  /** Told what a person should know, a sentence each. Default: it is printed. */
  readonly onNotice?: (sentence: string) => void;
  /** Galaxies whose features are computed, and in all. */
  readonly onFeatures?: (done: number, total: number) => void;
}

/**
 * Train boosted trees on the features of a run's network, into a run's folder of their own: the same files
 * as a network's run, so that it can be evaluated, drawn and asked as one.
 *
 * Features are computed once for each network and kept in its folder.
 *
 * @throws UserError when the network is not trained, another process is at work in either folder, or the
 *   library refuses the settings; and whatever the signal was aborted with
 */
export async function trainBoosted<Table = PredictionTable, Values = unknown>(
  { library: name, backbone: from, run: to, boost = {} }: BoostedSettings,
  options: BoostedRunOptions = {},
): Promise<RunResult<Table, Values>> {
  const library = boosterLibrary(name);
  const config = parseConfig(boostSchema, boost, `the settings of ${library.title}`);
  const [backbone, run] = [new RunFolder(resolve(from)), new RunFolder(resolve(to))];
  const { ifExists = "auto", onNotice = (text) => console.warn(printable(text)) } = options;
  const finished = run.status === "complete" && existsSync(run.boostPath);
  if (finished && ifExists === "skip") return readRun<Table, Values>(run);
  const best = openCheckpoint(backbone.bestPath);
  if (best === undefined) {
    throw new UserError(`${backbone.path} has no trained network`, "train it first");
  }
  const note = {
    library: name,
    version: library.version(),
    backbone: relative(run.path, backbone.path),
    weights: digestOf(best.files.model),
    boost: config,
  };
  if (finished && ifExists === "auto") {
    const differences = configDifferences(readNote(run), note);
    if (differences.length === 0) return readRun<Table, Values>(run);
    onNotice(`the settings changed (${differences.join("; ")}): the trees are made anew`);
  }
  if (existsSync(run.bestPath)) {
    throw new UserError(`${run.path} holds the run of a network`, "give another folder");
  }
  const unlock = run.lock();
  try {
    const { model, description, experiment } = await openTrainedModel(backbone);
    try {
      const data = await openSplit(experiment, { run: backbone });
      try {
        const task = boostedTask(data, experiment, config.loss);
        run.clear();
        writeFileAtomic(run.boostPath, stringify(note));
        const network = { model, description, weights: note.weights };
        const opened = { run, backbone, experiment, data, task, config, library, network };
        await boostRun(opened, { ...options, onNotice });
      } finally {
        await data.dataset.close();
      }
    } finally {
      model.dispose();
    }
  } finally {
    unlock();
  }
  return readRun<Table, Values>(run);
}

/** The network's question, by a loss that asks for answers alone and not how sure they are. */
function boostedTask(
  { dataset, task }: SplitDataset,
  config: ExperimentConfig,
  wanted: string,
): Task {
  const { task: name, loss } = task.description;
  const { losses } = taskDefinition(name);
  const plain = [wanted, losses[0].name].find((one) => losses.some((l) => l.name === one));
  return createTask(dataset, {
    task: config.task ?? name,
    loss: { name: plain ?? loss },
  });
}

interface OpenedRun {
  readonly run: RunFolder;
  readonly backbone: RunFolder;
  readonly experiment: ExperimentConfig;
  readonly data: SplitDataset;
  readonly task: Task;
  readonly config: BoostConfig;
  readonly library: ReturnType<typeof boosterLibrary>;
  readonly network: LoadedModel & { readonly weights: string };
}

async function boostRun(opened: OpenedRun, options: BoostedRunOptions): Promise<void> {
  const { run, backbone, experiment, data, task, config, library } = opened;
  const { train, val, test, dataset } = data;
  if (test.length === 0) refuseUntested(run);
  const { signal, onNotice, onFeatures } = options;
  const memory = new PeakMemory();
  const features = await backboneFeatures(opened, { signal, onNotice, onProgress: onFeatures });
  try {
    const start = performance.now();
    const of = (matrix: BoostMatrix, rows: Uint32Array) => ({
      features: matrix,
      targets: Float32Array.from(task.truths(dataset, rows)),
    });
    const [endOfTrain, endOfVal] = [train.length, train.length + val.length];
    const trees = await trainTrees(
      library,
      {
        names: task.outputs,
        train: of(rowsOf(features, 0, endOfTrain), train),
        val: val.length > 0 ? of(rowsOf(features, endOfTrain, endOfVal), val) : undefined,
      },
      config,
      {
        signal,
        onProgress(done, total) {
          memory.look();
          options.onProgress?.(done, total);
        },
      },
    );
    try {
      for (const notice of trees.notices) onNotice?.(notice);
      const seconds = (performance.now() - start) / 1000;
      const rounds = trees.boosters.map((booster) => booster.rounds);
      const epochs = Math.max(...trees.history.map(({ train: own }) => own.length));
      const raw = await trees.predict(rowsOf(features, endOfVal, endOfVal + test.length));
      const table = task.table(dataset, test, task.normalize(raw));
      saveTrees(run, trees);
      run.writeConfig(experiment);
      run.writeTask(task.description);
      if (existsSync(backbone.digestsPath)) copyFileSync(backbone.digestsPath, run.digestsPath);
      await saveSplit(run.splitPath, asText(dataset.table.id), asText(dataset.table.split));
      run.writeHistory(historyColumns(historyOf(trees, epochs)));
      const stoppedEarly = epochs < config.rounds;
      const bestEpoch = Math.max(1, ...rounds);
      const report = { epochs, bestEpoch, seconds, stoppedEarly, peakMemory: memory.bytes };
      run.writeTrainingComplete(report);
      writeFileAtomic(run.predictionsPath, task.formatTable(table));
      const parameters = rounds.reduce((a, b) => a + b, 0);
      const metrics = { rows: test.length, ...task.metrics(table) };
      run.writeMetrics({ ...metrics, seconds, bestEpoch, stoppedEarly, parameters });
    } finally {
      trees.dispose();
    }
  } finally {
    features.close();
  }
}

/** The features of training, validation and test galaxies, one after another, kept in the network's folder. */
async function backboneFeatures(
  { backbone, data, network, experiment }: OpenedRun,
  options: {
    readonly signal?: AbortSignal;
    readonly onNotice?: (sentence: string) => void;
    readonly onProgress?: (done: number, total: number) => void;
  },
) {
  const unlock = backbone.lock();
  const { batchSize, precision } = experiment.predict;
  const predictor = networkPredictor(network.model, data.task, { batchSize, precision });
  try {
    makeFolder(join(backbone.path, "features"));
    const rows = [...data.train, ...data.val, ...data.test];
    const path = join(backbone.path, "features", "features.npy");
    return await cachedFeatures(predictor, data.dataset, rows, {
      path,
      weights: network.weights,
      ...options,
    });
  } finally {
    predictor.dispose();
    unlock();
  }
}

/** Mean loss over the answers after each round; one that is learned already keeps its last loss. */
function historyOf({ history }: BoostedTrees, epochs: number) {
  const mean = (which: "train" | "val", epoch: number) => {
    const own = history.map((one) => one[which]).filter((losses) => losses.length > 0);
    const values = own.map((losses) => losses[Math.min(epoch, losses.length - 1)]);
    return values.reduce((a, b) => a + b, 0) / values.length;
  };
  return Array.from({ length: epochs }, (_, epoch) => ({
    epoch: epoch + 1,
    trainLoss: mean("train", epoch),
    ...(history.some(({ val }) => val.length > 0) && { valLoss: mean("val", epoch) }),
  }));
}
