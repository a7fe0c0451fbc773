import { UserError } from "../core/errors";
import { SafetensorsFile, writeSafetensors } from "../io/safetensors";
import {
  DESCRIPTION_KEY,
  describeModel,
  type Learned,
  type ModelDescription,
  readDescription,
} from "./description";
import type { Model } from "./module";
import { createModel, type ModelOptions } from "./registry";
import { type LoadOptions, type LoadReport, loadStateDict, stateDict } from "./state-dict";

/**
 * Save a model as one `.safetensors` file: weights under timm's names and in PyTorch's layouts, which
 * timm opens too, and a {@link ModelDescription} in the header.
 *
 * @param learned What it was asked and what its pictures were, as far as that is known.
 * @param half Whether weights are stored as float16, in half the bytes. Default false.
 * @throws UserError when a weight is beyond what a float16 holds
 */
export function saveModel(model: Model, path: string, learned: Learned = {}, half = false): void {
  const description = JSON.stringify(describeModel(model, learned));
  const metadata = { [DESCRIPTION_KEY]: description };
  writeSafetensors(path, stateDict(model), metadata, half ? "F16" : "F32");
}

/** A model with what its file says of it. */
export interface LoadedModel {
  /** With the file's weights; the caller's to dispose. */
  readonly model: Model;
  /** What the file says of it. */
  readonly description: ModelDescription;
}

/**
 * The model that {@link saveModel} wrote. The engine must have been started.
 *
 * @throws UserError when the file is absent, damaged, or does not say which model it is of
 */
export function loadModel(path: string): LoadedModel {
  return withFile(path, (file) => {
    const description = readDescription(file.metadata, path);
    if (description === undefined) {
      throw new UserError(
        `${path} does not say which model its weights belong to`,
        "name the model and its number of classes, for example with --model resnet50 --classes 10",
      );
    }
    const { model } = filled(createModel(description.architecture, description), file);
    return { model, description };
  });
}

/**
 * Give a model the weights of a file.
 *
 * @throws UserError as {@link loadStateDict}, or when the file is absent or damaged
 */
export function loadWeights(model: Model, path: string, options: LoadOptions = {}): LoadReport {
  return withFile(path, (file) => loadStateDict(model, file, options));
}

/**
 * Build a model and give it the weights of a file. The engine must have been started.
 *
 * @returns the model, the caller's to dispose, and what became of the weights
 * @throws UserError as {@link createModel} and {@link loadWeights}; nothing is left behind then
 */
export function createFromWeights(
  name: string,
  options: ModelOptions,
  path: string,
  load: LoadOptions = {},
): {
  /** With the weights loaded. */
  readonly model: Model;
  /** What was loaded and what is fresh. */
  readonly report: LoadReport;
} {
  return withFile(path, (file) => filled(createModel(name, options), file, load));
}

function filled(model: Model, file: SafetensorsFile, load?: LoadOptions) {
  try {
    return { model, report: loadStateDict(model, file, load) };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/**
 * What a file says of its model, without building it; undefined where it says nothing.
 *
 * @throws UserError when the file is absent or damaged, or the description is not valid
 */
export function readModelDescription(path: string): ModelDescription | undefined {
  return withFile(path, (file) => readDescription(file.metadata, path));
}

function withFile<T>(path: string, use: (file: SafetensorsFile) => T): T {
  const file = SafetensorsFile.open(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}
