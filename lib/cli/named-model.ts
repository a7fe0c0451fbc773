import { existsSync } from "node:fs";
import { openBoosted } from "../boost/boosted-files";
import type { BoostedTrees } from "../boost/boosted-trees";
import { UserError } from "../core/errors";
import { usualCrop } from "../data/usual-crop";
import type { ViewOptions } from "../data/view";
import { startEngine } from "../engine/start";
import { describeModel, type ModelDescription } from "../models/description";
import {
  createFromWeights,
  type LoadedModel,
  loadModel,
  readModelDescription,
} from "../models/model-file";
import type { Model } from "../models/module";
import { matchingCrop } from "../predict/matching-crop";
import { taskDefinition } from "../tasks/registry";
import type { Task } from "../tasks/task";
import type { ExperimentConfig } from "../train/config";
import { openTrainedModel } from "../train/experiment-model";
import { RunFolder } from "../train/run-folder";
import type { Values } from "./verb";

/** Options of the verbs that ask a trained model: a run, or a file of weights. */
export const modelOptions = {
  run: { type: "text", value: "RUN", help: "A run's folder: its best weights, its settings." },
  weights: {
    type: "text",
    value: "FILE",
    help: "A safetensors file; with --run in the place of the run's own weights, such as another head.",
  },
  model: {
    type: "text",
    value: "NAME",
    help: "The architecture, where the file of weights does not say it.",
  },
  classes: {
    type: "text",
    value: "N|NAME,…",
    help: "How many classes, or their names in order, where the file of weights does not say it.",
  },
  task: {
    type: "text",
    value: "TASK",
    help: "What it was asked, where the file of weights does not say it. Default: classification.",
  },
} as const;

/** A model that the command line names. */
export interface NamedModel {
  /** The caller's to dispose. */
  readonly model: Model;
  /** What its file says of it, or what the command line says in its place. */
  readonly description: ModelDescription;
  /** Boosted trees that answer by its features; the caller's to dispose. Default: it answers itself. */
  readonly trees?: BoostedTrees;
  /** What the trees are asked. */
  readonly task?: Task;
  /** Of a run: its folder and its config. */
  readonly trained?: { readonly run: RunFolder; readonly experiment: ExperimentConfig };
}

/**
 * The model that these options name.
 *
 * @throws UserError when neither a run nor a file of weights is named, or both are, or the file does not
 *   say what it is and the options do not either
 */
export async function namedModel(values: Values<typeof modelOptions>): Promise<NamedModel> {
  const { run: folder, weights, model: name, classes, task } = values;
  if (folder !== undefined) {
    const [too] = Object.entries({ model: name, classes, task }).filter(([, value]) => value);
    if (too !== undefined) {
      throw new UserError(`--run and --${too[0]} exclude each other`, "leave one of them out");
    }
    await startEngine();
    const run = new RunFolder(folder);
    if (existsSync(run.boostPath)) {
      if (weights !== undefined) {
        throw new UserError(
          `${folder} holds boosted trees, which no weights replace`,
          "leave --weights out",
        );
      }
      const { experiment, ...boosted } = await openBoosted(run);
      return { ...boosted, trained: { run, experiment } };
    }
    const own = await openTrainedModel(run);
    const trained = { run, experiment: own.experiment };
    if (weights === undefined) return { ...own, trained };
    own.model.dispose();
    return { ...otherWeights(weights, own.description), trained };
  }
  if (weights === undefined) {
    const alone = name === undefined && classes === undefined;
    throw new UserError(
      alone ? "--run is missing" : "--weights is missing",
      "give --run RUN, or --weights FILE",
    );
  }
  const known = readModelDescription(weights);
  await startEngine();
  if (known === undefined) return foreignModel(weights, name, classes, task);
  if (task !== undefined && known.task !== undefined && task !== known.task.task) {
    throw new UserError(
      `${weights} answers the task ${known.task.task}, not ${task}`,
      "leave --task out: the file says what it is",
    );
  }
  if (name !== undefined && name !== known.architecture) {
    throw new UserError(
      `${weights} holds weights of ${known.architecture}, not of ${name}`,
      "leave --model out: the file says what it is",
    );
  }
  return loadModel(weights);
}

/** Weights that stand in the place of a run's: of the same architecture, for pictures of the same size. */
function otherWeights(path: string, own: ModelDescription): LoadedModel {
  const loaded = loadModel(path);
  const { architecture, inputSize } = loaded.description;
  if (architecture === own.architecture && String(inputSize) === String(own.inputSize)) {
    return loaded;
  }
  loaded.model.dispose();
  throw new UserError(
    `${path} holds weights of ${architecture} for ${inputSize.join(" × ")} pixels, the run's are of ${own.architecture} for ${own.inputSize.join(" × ")}`,
    "leave --run out, or give weights of the run's own network",
  );
}

/**
 * How images are read for a model, so that galaxies look as they did to it.
 *
 * @param crop Side in pixels of the middle that is taken, in the place of what the model knows.
 */
export function modelView(
  { model, description: { view } }: Pick<NamedModel, "model" | "description">,
  crop?: number,
): ViewOptions {
  return {
    size: model.inputSize[0],
    // The file of another program's model says only what its library does.
    interpolation: view === undefined ? model.preprocessing.interpolation : view.interpolation,
    crop: crop ?? ((sourceSize) => matchingCrop(view, sourceSize, usualCrop).crop),
  };
}

/** The model of a file that another program wrote. */
function foreignModel(
  path: string,
  name?: string,
  classes?: string,
  asked = "classification",
): NamedModel {
  if (name === undefined || classes === undefined) {
    throw new UserError(
      `--${name === undefined ? "model" : "classes"} is missing: ${path} does not say what it is`,
      "give --model NAME and --classes N, or better the names of the classes in order",
    );
  }
  const outputs = outputNames(classes);
  const { losses, fromDescription } = taskDefinition(asked);
  const task = fromDescription({ task: asked, loss: losses[0].name, outputs });
  const { model } = createFromWeights(name, { numClasses: task.numLogits }, path);
  return { model, description: describeModel(model, { task: task.description }) };
}

/** `3` → three outputs called by their numbers; `a,b` → two of these names. */
function outputNames(text: string): string[] {
  const names = /^\d{1,5}$/.test(text)
    ? Array.from({ length: Number(text) }, (_, i) => String(i))
    : text.split(",").map((name) => name.trim());
  if (names.length > 0 && !names.includes("")) return names;
  throw new UserError(
    `--classes is "${text}"`,
    "give the number of classes, or their names: --classes spiral,smooth",
  );
}
