import type { Dataset } from "../data/dataset";
import { embedGalaxies } from "../embed/embed-galaxies";
import type { Embedding } from "../embed/embedding";
import type { Model } from "../models/module";
import type { PassOptions } from "../predict/answers";
import {
  accuracyUnderShift as accuracyUnderShiftOf,
  type ControlledShift,
  type ShiftedAccuracy,
} from "../predict/controlled-shift";
import { type NetworkOptions, predict as predictOf } from "../predict/network-predictor";
import {
  type PictureSet,
  type SeenPictures,
  seenPictures as seenPicturesOf,
} from "../predict/seen";
import type { PredictionTable, Task } from "../tasks/task";
import { untilInterrupted } from "./interrupt";
import { withProgress } from "./progress";

/**
 * What a network sees in galaxies, in a cell or a terminal: `embedGalaxies` of `tuning-fork/embed` with progress,
 * and an interrupt that stops it.
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
  return shown("embedding", options, (own) => embedGalaxies(model, task, dataset, rows, own));
}

/**
 * The answers of a network about some galaxies, in a cell or a terminal: `predict` of `tuning-fork/predict` with
 * progress, and an interrupt that stops it.
 *
 * @param model Stays the caller's.
 * @param rows Row numbers. Default: all.
 */
export function predict<Table extends PredictionTable>(
  model: Model,
  task: Task<Table>,
  dataset: Dataset,
  rows?: ArrayLike<number>,
  options: NetworkOptions = {},
): Promise<Table> {
  return shown("predicting", options, (own) => predictOf(model, task, dataset, rows, own));
}

/**
 * Features, logits and answers of a network in one pass, in a cell or a terminal: `seenPictures` of
 * `tuning-fork/predict` with progress over all sets, and an interrupt that stops it.
 *
 * @param model Stays the caller's.
 * @param sets Pictures by name, each a data set and row numbers (default: all rows).
 */
export function seenPictures<Table extends PredictionTable, Name extends string>(
  model: Model,
  task: Task<Table>,
  sets: Readonly<Record<Name, PictureSet>>,
  options: PassOptions = {},
): Promise<Record<Name, SeenPictures<Table>>> {
  return shown("looking", options, (own) => seenPicturesOf(model, task, sets, own));
}

/**
 * Accuracy while everything stays but one thing, in a cell or a terminal: `accuracyUnderShift` of `tuning-fork/predict`
 * with progress over all steps, and an interrupt that stops it.
 *
 * @param model Stays the caller's.
 * @param rows Row numbers of galaxies; those without a class are not counted.
 */
export function accuracyUnderShift(
  model: Model,
  task: Task,
  dataset: Dataset,
  rows: ArrayLike<number>,
  shift: ControlledShift,
  options: PassOptions = {},
): Promise<ShiftedAccuracy[]> {
  return shown("predicting", options, (own) =>
    accuracyUnderShiftOf(model, task, dataset, rows, shift, own),
  );
}

/** Work under a progress bar that an interrupt stops; what the caller asked for in `options` comes first. */
function shown<T, Options extends PassOptions>(
  label: string,
  options: Options,
  work: (options: Options) => Promise<T>,
): Promise<T> {
  return withProgress(label, (onProgress) =>
    untilInterrupted((signal) => work({ onProgress, ...options, signal }), options.signal),
  );
}
