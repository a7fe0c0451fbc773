import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import type { Dataset } from "#lib/data/dataset";
import { makeGalaxy } from "#lib/data/simulator";
import { usualCrop } from "#lib/data/usual-crop";
import { betaBinomial, centralInterval } from "#lib/evaluate/beta-binomial";
import { matrixRows } from "#lib/evaluate/feature-matrix";
import { askHead, crossValidate, oneHot, trainHead } from "#lib/evaluate/linear-head";
import { createPredictions } from "#lib/evaluate/predictions";
import { atTemperature } from "#lib/evaluate/temperature";
import { STRENGTH } from "#lib/evaluate/vote-predictions-csv";
import { explain } from "#lib/explain/methods";
import { mapOf } from "#lib/explain/saliency-maps";
import { upsample } from "#lib/explain/upsample";
import { strangeness } from "#lib/models/familiarity";
import type { Model } from "#lib/models/module";
import { minMax } from "#lib/plots/color-maps";
import { modelImages, type Pictures } from "#lib/predict/image-batch";
import { matchingCrop } from "#lib/predict/matching-crop";
import { decode } from "./decode";
import { readHead, withHead } from "./head-file";
import { current, load, questionsOf } from "./loaded-network";
import { serve } from "./remote";
import { sliderGalaxy } from "./sliders";
import { startPageEngine } from "./start-engine";

/** What the network says of pictures. */
export interface Reply {
  /** float64 `[pictures, outputs]`, row-major, calibrated where that is known. */
  readonly answers: Float64Array;
  /** Whether each picture is unlike the galaxies that the network knows; none where that is not known. */
  readonly strange?: readonly boolean[];
  /** Time that it took, milliseconds. */
  readonly ms: number;
}

async function answer(pictures: readonly Pictures[]): Promise<Reply> {
  const { model, task, manifest } = current();
  const from = performance.now();
  const width = task.outputs.length;
  const rows = await compute(pictures, (images) => {
    const features = model.forwardFeatures(images, inference);
    const answers = task.activate(model.forwardHead(features, inference) as tf.Tensor2D);
    return tf.concat([answers, embedding(model, features)], 1);
  });
  const all = rows.length / pictures.length;
  const answers = new Float64Array(pictures.length * width);
  const features = new Float32Array(pictures.length * (all - width));
  for (let row = 0; row < pictures.length; row++) {
    answers.set(rows.subarray(row * all, row * all + width), row * width);
    features.set(rows.subarray(row * all + width, (row + 1) * all), row * (all - width));
  }
  const { familiarity } = manifest;
  return {
    answers: calibrated(answers),
    ...(familiarity && {
      strange: Array.from(strangeness(features, familiarity), (s) => s > familiarity.limit),
    }),
    ms: performance.now() - from,
  };
}

const inference = { training: false };

/** What the last layer sees, `[pictures, features]`. */
function embedding(model: Model, features: tf.Tensor): tf.Tensor2D {
  return model.forwardHead(features, inference, { preLogits: true }) as tf.Tensor2D;
}

/** Volunteers for whom an interval of votes is said. */
const VOLUNTEERS = 100;

/**
 * Of votes with strengths: between which fractions 80 % of questions to a hundred volunteers end.
 *
 * @param answers Of one picture.
 * @returns by output; none for a strength
 */
function intervals(answers: Float64Array): (readonly [low: number, high: number] | undefined)[] {
  const { task } = current();
  const spans = task.outputs.map((): readonly [number, number] | undefined => undefined);
  for (const { name, columns } of questionsOf(task)) {
    const strength = answers[task.outputs.indexOf(`${name}${STRENGTH}`)];
    if (strength === undefined) continue;
    for (const column of columns) {
      const alpha = Math.max(answers[column] * strength, 1e-6);
      const chances = betaBinomial(VOLUNTEERS, alpha, Math.max(strength - alpha, 1e-6));
      const { low, high } = centralInterval(chances, 0.8);
      spans[column] = [low / VOLUNTEERS, high / VOLUNTEERS];
    }
  }
  return spans;
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
  return compute(pictures, (images) => embedding(model, model.forwardFeatures(images, inference)));
}

/** A head of these labels, how it does on what it has not seen, and what it says of every row. */
async function teach(rows: Float32Array, labels: readonly number[], answers: number) {
  const width = current().model.numFeatures;
  const known = labels.flatMap((label, row) => (label < 0 ? [] : [row]));
  const learn = matrixRows(rows, known, width);
  const targets = known.map((row) => labels[row]);
  const head = trainHead(learn, oneHot(targets, answers), answers);
  return {
    head,
    accuracy: crossValidate(learn, targets, answers),
    probabilities: askHead(head, rows),
  };
}

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
  intervals,
  look,
  features,
  teach,
  withHead,
  readHead,
  askHead,
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
