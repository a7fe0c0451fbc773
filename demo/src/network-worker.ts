import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { z } from "zod";
import { UserError } from "#lib/core/errors";
import type { Dataset } from "#lib/data/dataset";
import { makeGalaxy } from "#lib/data/simulator";
import { usualCrop } from "#lib/data/usual-crop";
import {
  askHead,
  crossValidate,
  oneHot,
  type TrainedHead,
  takeRows,
  trainHead,
} from "#lib/evaluate/linear-head";
import { createPredictions } from "#lib/evaluate/predictions";
import { atTemperature } from "#lib/evaluate/temperature";
import { explain, methodsFor } from "#lib/explain/methods";
import { mapOf } from "#lib/explain/saliency-maps";
import { upsample } from "#lib/explain/upsample";
import { encodeHeader } from "#lib/io/safetensors-header";
import { DESCRIPTION_KEY } from "#lib/models/description";
import { parameterCount } from "#lib/models/model-summary";
import type { Model } from "#lib/models/module";
import { createModel } from "#lib/models/registry";
import { stateDict } from "#lib/models/state-dict";
import { parseWebManifest, readWebModel, type WebModel } from "#lib/models/web-model";
import { minMax } from "#lib/plots/color-maps";
import { modelImages, type Pictures } from "#lib/predict/image-batch";
import { matchingCrop } from "#lib/predict/matching-crop";
import { taskFromDescription } from "#lib/tasks/registry";
import type { Task } from "#lib/tasks/task";
import { decode } from "./decode";
import { report, serve } from "./remote";
import { sliderGalaxy } from "./sliders";
import { startPageEngine } from "./start-engine";

/** What the page knows of a model. */
export interface ModelCard {
  /** Registered name of its architecture. */
  readonly architecture: string;
  /** Name of its task, such as `classification`. */
  readonly task: string;
  /** What its outputs are called, in order. */
  readonly outputs: readonly string[];
  /** Questions with the columns of their answers, which exclude each other; one for a classification. */
  readonly questions: readonly { readonly name: string; readonly columns: readonly number[] }[];
  /** Height and width that it takes, pixels. */
  readonly inputSize: readonly [height: number, width: number];
  /** Whether its probabilities were calibrated on galaxies that it did not learn from. */
  readonly calibrated: boolean;
  /** Ways to look at what it looks at, the most telling first. */
  readonly methods: readonly string[];
  /** Numbers that it learned. */
  readonly parameters: number;
}

let loaded: (WebModel & { readonly task: Task }) | undefined;

function current(): WebModel & { readonly task: Task } {
  if (loaded === undefined)
    throw new UserError("there is no network yet", "wait until it is loaded");
  return loaded;
}

/** The bytes of a file on the page's own host, told of as they come. */
async function download(url: URL, from = 0, total = 0): Promise<Uint8Array<ArrayBuffer>> {
  const remedy = "check the connection, and load the page again";
  const name = url.pathname.split("/").at(-1);
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new UserError(`${name} did not come`, remedy, { cause });
  }
  if (!response.ok) throw new UserError(`${name} did not come (${response.status})`, remedy);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (const reader = response.body?.getReader(); reader !== undefined; ) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      bytes += value.length;
      if (total > 0) report(from + bytes, total);
    }
  } catch (cause) {
    throw new UserError(`${name} broke off after ${bytes} bytes`, remedy, { cause });
  }
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** @param folder Address of the folder that `export --format web` wrote. */
async function load(folder: string): Promise<ModelCard> {
  const json = await download(new URL("model.json", folder));
  const manifest = parseWebManifest(new TextDecoder().decode(json));
  const [{ paths, sha256, weights }] = manifest.weightsManifest;
  const total = weights.reduce((sum, { shape, quantization }) => {
    return sum + shape.reduce((a, b) => a * b, quantization === undefined ? 4 : 2);
  }, 0);
  let done = 0;
  const web = await readWebModel(async (name) => {
    if (name === "model.json") return json;
    // Its digest in the address lets caches keep it for good.
    const digest = sha256[paths.indexOf(name)]?.slice(0, 16);
    const bytes = await download(new URL(`${name}?${digest}`, folder), done, total);
    done += bytes.length;
    return bytes;
  });
  const { description, temperature } = web.manifest;
  if (description.task === undefined) {
    web.model.dispose();
    throw new UserError("the model does not say what was asked", "train it again and export it");
  }
  loaded?.model.dispose();
  loaded = { ...web, task: taskFromDescription(description.task) };
  return {
    architecture: description.architecture,
    task: description.task.task,
    outputs: loaded.task.outputs,
    questions: questionsOf(loaded.task),
    inputSize: web.model.inputSize,
    calibrated: temperature !== undefined,
    methods: methodsFor(web.model),
    parameters: parameterCount(web.model),
  };
}

/** The questions of votes, from the tree that the model carries; else one question without a name. */
function questionsOf({ description: { details }, outputs }: Task): ModelCard["questions"] {
  const { success, data } = tree.safeParse(details);
  if (!success) return [{ name: "", columns: outputs.map((_, column) => column) }];
  return data.questions.map(({ name, answers }) => ({
    name,
    columns: answers.map((answer) => outputs.indexOf(answer)).filter((column) => column >= 0),
  }));
}

const tree = z.object({
  questions: z.array(z.object({ name: z.string(), answers: z.array(z.string()) })),
});

/** @returns float64 `[pictures, outputs]`, row-major, calibrated where that is known, and milliseconds */
async function answer(pictures: readonly Pictures[]) {
  const { model, task } = current();
  const from = performance.now();
  const values = await compute(pictures, (images) =>
    task.activate(model.forward(images, { training: false })),
  );
  return { answers: calibrated(Float64Array.from(values)), ms: performance.now() - from };
}

function calibrated(probabilities: Float64Array): Float64Array {
  const { manifest, task } = current();
  if (manifest.temperature === undefined) return probabilities;
  const ids = Array.from({ length: probabilities.length / task.outputs.length }, (_, i) => `${i}`);
  const table = createPredictions({ classNames: task.outputs, ids, probabilities });
  return atTemperature(table, manifest.temperature).probabilities ?? probabilities;
}

/** Pictures as the model wants them through a function of it; nothing stays behind. */
async function compute(
  pictures: readonly Pictures[],
  fn: (images: tf.Tensor4D) => tf.Tensor,
): Promise<Float32Array> {
  const { model } = current();
  const result = tf.tidy(() =>
    fn(tf.concat(pictures.map((picture) => modelImages(model, picture)))),
  );
  try {
    return await result.data<"float32">();
  } finally {
    result.dispose();
  }
}

/**
 * Where the network looks.
 *
 * @param target Index of the output explained; the map of attention knows none.
 * @returns `[size, size]`, 0…1
 */
async function look(picture: Pictures, method: string, target: number, size: number) {
  const maps = await explain(current().model, picture, method, target);
  return minMax(mapOf(upsample(maps, [size, size]), 0));
}

/** What the last layer sees, float32 `[pictures, features]`. */
async function features(pictures: readonly Pictures[]): Promise<Float32Array> {
  const { model } = current();
  const context = { training: false };
  return compute(pictures, (images) =>
    model.forwardHead(model.forwardFeatures(images, context), context, { preLogits: true }),
  );
}

/** A head of these labels, how it does on what it has not seen, and what it says of every row. */
async function teach(rows: Float32Array, labels: readonly number[], answers: number) {
  const width = current().model.numFeatures;
  const known = labels.flatMap((label, row) => (label < 0 ? [] : [row]));
  const learn = takeRows(rows, known, width);
  const targets = known.map((row) => labels[row]);
  const head = trainHead(learn, oneHot(targets, answers), answers);
  return {
    head,
    accuracy: crossValidate(learn, targets, answers),
    probabilities: askHead(head, rows),
  };
}

/** The network with another head, as a safetensors file that `predict --weights` takes. */
async function withHead(head: TrainedHead, outputs: readonly string[]): Promise<Blob> {
  const { model, manifest } = current();
  const own = createModel(model.name, { ...manifest.description, numClasses: outputs.length });
  try {
    for (const [name, { variable }] of model.parameters) {
      if (!isHead(model, name)) own.parameters.get(name)?.variable.assign(variable);
    }
    const { weight, bias } = head;
    const shape: [number, number] = [model.numFeatures, outputs.length];
    tf.tidy(() => {
      const at = (name: string) => own.parameters.get(`${model.classifier}.${name}`)?.variable;
      const matrix = tf.tensor2d(weight, shape);
      const stored = at("weight");
      const turned = stored?.shape[0] !== shape[0] || stored.shape[1] !== shape[1];
      stored?.assign(turned ? tf.transpose(matrix) : matrix);
      at("bias")?.assign(tf.tensor1d(bias));
    });
    const description = {
      ...manifest.description,
      numClasses: outputs.length,
      task: { task: "classification", loss: "crossEntropy", outputs },
    };
    const tensors = stateDict(own);
    const header = encodeHeader(tensors, { [DESCRIPTION_KEY]: JSON.stringify(description) });
    return new Blob([header, ...tensors.map((t) => t.read())] as BlobPart[]);
  } finally {
    own.dispose();
  }
}

const isHead = ({ classifier }: Model, name: string) => name.startsWith(`${classifier}.`);

/** Answers about pictures of these names as the table that `predict` writes. */
async function csv(ids: readonly string[], answers: Float64Array): Promise<string> {
  const { task } = current();
  const rows = ids.map((_, row) => row);
  const dataset: Dataset = {
    name: "the folder",
    classNames: [],
    table: { id: ids },
    size: ids.length,
    view: {},
    imageSize: [0, 0],
    read: async () => new Uint8Array(),
    close: async () => {},
  };
  return task.formatTable(task.table(dataset, rows, answers));
}

/** Side of the middle that shows a galaxy as large as the model knows them, pixels; all of it: undefined. */
function usualSide(size: readonly [number, number]): number | undefined {
  return matchingCrop(current().manifest.description.view, size, usualCrop).crop;
}

const api = {
  start: startPageEngine,
  load,
  answer,
  look,
  features,
  teach,
  withHead,
  csv,
  usualSide,
  decode,
  sliderGalaxy,
  /** A galaxy of the simulator. */
  galaxy(seed: number, size: number): Pictures {
    return { pixels: makeGalaxy(seed, 0, size).image, size: [size, size] };
  },
};

/** What the page can ask. */
export type NetworkApi = typeof api;

serve(api);
