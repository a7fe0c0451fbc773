import type { Dataset } from "../data/dataset";
import type { Model } from "../models/module";
import { type NetworkOptions, networkPredictor } from "../predict/network-predictor";
import { everyRow } from "../predict/predictor";
import type { Task } from "../tasks/task";
import { type Embedding, weightsDigest } from "./embedding";

/**
 * What a network sees in galaxies, kept in memory: `writeEmbedding` is for more than fit there.
 *
 * @param model Stays the caller's.
 * @param rows Row numbers. Default: all.
 */
export async function embedGalaxies(
  model: Model,
  task: Task,
  dataset: Dataset,
  rows: ArrayLike<number> = everyRow(dataset),
  options: NetworkOptions = {},
): Promise<Embedding> {
  const predictor = networkPredictor(model, task, options);
  try {
    const features = await predictor.features(dataset, rows);
    const source = { model: model.name, weights: weightsDigest(model), data: dataset.name };
    return { ...features, source };
  } finally {
    predictor.dispose();
  }
}
