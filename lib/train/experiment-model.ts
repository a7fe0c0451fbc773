import { existsSync } from "node:fs";
import { UserError } from "../core/errors";
import { startEngine } from "../engine/start";
import { findPath } from "../io/paths";
import type { Preprocessing } from "../models/description";
import { fetchHubModel, isHubName } from "../models/hub-model";
import { createFromWeights, type LoadedModel, loadModel } from "../models/model-file";
import type { Model } from "../models/module";
import { createModel } from "../models/registry";
import type { LoadReport } from "../models/state-dict";
import { fetchWeights } from "../models/weights";
import type { Task } from "../tasks/task";
import { openCheckpoint } from "./checkpoint";
import { type ExperimentConfig, experimentSchema, parseConfig } from "./config";
import { RunFolder } from "./run-folder";

/** What training begins with. */
export interface ExperimentModel {
  /** The caller's to dispose. */
  readonly model: Model;
  /** What became of the weights that the config names, a sentence; none for fresh weights. */
  readonly says?: string;
}

/**
 * The model of an experiment, with fresh weights or those that its `weights` name.
 *
 * @param task What it will be asked: a classifier in the file that answers the same is kept.
 * @throws UserError where the architecture has nothing that a setting could act on, or the weights do not fit
 */
export async function createExperimentModel(
  { model, train, data }: Omit<ExperimentConfig, "predict">,
  task: Pick<Task, "numLogits" | "description">,
): Promise<ExperimentModel> {
  await startEngine();
  const { name, weights, ...options } = model;
  const inputSize = data.size === undefined ? undefined : ([data.size, data.size] as const);
  const given = { ...options, numClasses: task.numLogits, inputSize, seed: train.seed };
  if (weights === undefined) return { model: acting(createModel(name, given)) };
  const { path, ...asTrained } = await weightsOf(name, weights);
  const load = { head: "match", task: task.description } as const;
  const { model: created, report } = createFromWeights(
    name,
    { ...asTrained, ...given },
    path,
    load,
  );
  return { model: acting(created), says: saysOf(weights, report) };
}

/** @throws UserError where it was asked to drop what none of its layers drops */
function acting(model: Model): Model {
  const idle = (["dropout", "dropPath"] as const).find(
    (key) => (model[key] ?? 0) > 0 && !model.drops.has(key),
  );
  if (idle === undefined) return model;
  model.dispose();
  throw new UserError(
    `${model.name} has no layer on which model.${idle} could act`,
    "leave the key out, or take another model",
  );
}

function saysOf(weights: string, { loaded, resampled, classifier }: LoadReport): string {
  const other = resampled.length > 0 ? `, ${resampled.join(", ")} resampled to this size` : "";
  return `weights of ${weights}: ${loaded.length} parameters${other}; ${classifier}`;
}

/**
 * The file that `model.weights` names: itself, the best checkpoint of a run, or one of the hub, with how images
 * come to a model of the hub.
 */
async function weightsOf(
  name: string,
  weights: string,
): Promise<{ path: string; preprocessing?: Preprocessing }> {
  if (weights === "published") return { path: await fetchWeights(name) };
  if (isHubName(weights)) {
    const { architecture, path, preprocessing } = await fetchHubModel(weights);
    if (architecture === name) return { path, preprocessing };
    throw new UserError(
      `model.weights is ${weights}, which is a ${architecture}, and model.name is ${name}`,
      `set model.name to ${architecture}`,
    );
  }
  const path = findPath(weights);
  if (path.endsWith(".safetensors")) return { path };
  const best = openCheckpoint(new RunFolder(path).bestPath);
  if (best !== undefined) return { path: best.files.model };
  throw new UserError(
    `model.weights is ${weights}, which is no .safetensors file and no run with a checkpoint`,
    `train the stage before: npx tuning-fork train … --out ${weights}`,
  );
}

/**
 * The best model of a run, from its folder alone.
 *
 * @returns the model, the caller's to dispose, and the config that it was trained by
 * @throws UserError when the folder holds no run, or one without a checkpoint
 */
export async function openTrainedModel(run: RunFolder): Promise<
  LoadedModel & {
    /** The run's config. */
    readonly experiment: ExperimentConfig;
  }
> {
  if (existsSync(run.boostPath)) {
    throw new UserError(
      `${run.path} holds boosted trees and no network`,
      "give the run of the network on whose features they stand (boost.yaml names it)",
    );
  }
  const experiment = parseConfig(experimentSchema, run.readConfig(), run.configPath);
  const best = openCheckpoint(run.bestPath) ?? openCheckpoint(run.latestPath);
  if (best === undefined) {
    throw new UserError(`${run.path} has no checkpoint`, "train it first");
  }
  await startEngine();
  return { ...loadModel(best.files.model), experiment };
}
