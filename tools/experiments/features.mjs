/** What a network that learned something else before sees in each galaxy: computed once, kept in `data/features`. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { cachedFeatures } from "#lib/boost/feature-cache";
import { d4Symmetries } from "#lib/core/d4";
import { d4Symmetry } from "#lib/data/augment-warp";
import { openDataset } from "#lib/data/open";
import { compile } from "#lib/engine/compile";
import { unitRange } from "#lib/engine/ops/pixels";
import { startEngine } from "#lib/engine/start";
import { makeFolder } from "#lib/io/atomic";
import { parseNpyHeader } from "#lib/io/npy";
import { dataFolder } from "#lib/io/paths";
import { createFromWeights } from "#lib/models/model-file";
import { fetchWeights } from "#lib/models/weights";
import { featureFunction, passOver } from "#lib/predict/answers";

/** It has learned ImageNet. */
const BACKBONE = "tf_efficientnet_lite0";

/**
 * @param options `data`: SPEC. `size`: side of the pictures, pixels. `crop`: middle that is taken, source pixels. `orientations`: 1, or 8 for the mean
 * over the symmetries of the square. `model`: default EfficientNet-Lite0. `weights`: a file; default the published ones.
 * @returns the data set, and float32 `[rows, width]`
 */
export async function backboneFeatures({
  data,
  size,
  crop,
  orientations,
  model: name = BACKBONE,
  weights,
}) {
  await startEngine();
  const dataset = await openDataset(data, { size, crop });
  const file = weights ?? (await fetchWeights(name));
  const options = { numClasses: 1, inputSize: [size, size] };
  const { model } = createFromWeights(name, options, file, { head: "match" });
  const variables = [...model.parameters.values()].map(({ variable }) => variable);
  const views = d4Symmetries.slice(0, orientations);
  const seen = featureFunction(model);
  const { call, dispose } = compile(
    { mean: (images) => meanOverViews(seen, images, views) },
    { variables },
  );
  const predictor = {
    features: async (set, rows, pass) => {
      const { values, width } = await passOver(set, rows, call.mean, pass);
      return { ids: [], values: Float32Array.from(values), width };
    },
  };
  const digest = createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 16);
  const folder = join(dataFolder(), "features");
  makeFolder(folder);
  const path = join(folder, `${dataset.name}-${name}-${size}-${orientations}.npy`);
  const began = Date.now();
  const rows = Uint32Array.from({ length: dataset.size }, (_, row) => row);
  const matrix = await cachedFeatures(predictor, dataset, rows, { path, weights: digest });
  const { width } = matrix;
  const seconds = ((Date.now() - began) / 1000).toFixed(0);
  console.log(`features of ${dataset.size} galaxies, ${width} each: ${seconds} s`);
  matrix.close();
  dispose();
  model.dispose();
  const bytes = readFileSync(path);
  const { offset } = parseNpyHeader(bytes, bytes.length, path);
  return {
    dataset,
    values: new Float32Array(bytes.buffer.slice(bytes.byteOffset + offset)),
    width,
  };
}

/** Features of a picture, averaged over its orientations. */
function meanOverViews(seen, images, views) {
  return tf.tidy(() => {
    const x = tf.mul(unitRange(images), 255);
    return tf.div(tf.addN(views.map((symmetry) => seen(d4Symmetry(x, symmetry)))), views.length);
  });
}
