import type { Dataset } from "../data/dataset";
import { embedGalaxies } from "../embed/embed-galaxies";
import type { Embedding } from "../embed/embedding";
import type { Model } from "../models/module";
import type { NetworkOptions } from "../predict/network-predictor";
import type { Task } from "../tasks/task";
import { untilInterrupted } from "./interrupt";
import { withProgress } from "./progress";

/**
 * What a network sees in galaxies, in a cell or a terminal: {@link embedGalaxies} with progress, and an
 * interrupt that stops it.
 *
 * @param model Stays the caller's.
 * @param rows Row numbers. Default: all.
 */
export function embed(
  model: Model,
  task: Task,
  dataset: Dataset,
  rows?: ArrayLike<number>,
  options: NetworkOptions = {},
): Promise<Embedding> {
  return withProgress("embedding", (onProgress) =>
    untilInterrupted(
      (signal) => embedGalaxies(model, task, dataset, rows, { onProgress, ...options, signal }),
      options.signal,
    ),
  );
}
