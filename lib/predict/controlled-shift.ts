import { UserError } from "../core/errors";
import type { Dataset } from "../data/dataset";
import type { Instrument, Observation } from "../data/observation";
import { observedDataset } from "../data/observed-dataset";
import { type Interval, wilsonInterval } from "../evaluate/intervals";
import type { Predictions } from "../evaluate/predictions";
import type { Model } from "../models/module";
import type { PredictionTable, Task } from "../tasks/task";
import { inAll, type PassOptions } from "./answers";
import { networkPredictor } from "./network-predictor";

/** Accuracy where galaxies are seen in one way. */
export interface ShiftedAccuracy extends Interval {
  /** What was changed, and how far. */
  readonly x: number;
}

/** What changes step by step. */
export interface ControlledShift {
  /** How the pictures were taken. */
  readonly from: Instrument;
  /** How far it is changed: the values of the x axis. */
  readonly steps: readonly number[];
  /** How a galaxy is seen at a step; the galaxy by its row, for what differs from one to the other. */
  to(step: number, row: number): Observation;
}

/**
 * Accuracy of a network while everything stays but one thing: the same galaxies, whose classes are known,
 * seen fainter, more blurred or from farther away.
 *
 * @param model Stays the caller's.
 * @param rows Row numbers of galaxies; those without a class are not counted.
 * @returns a point a step, with Wilson's 95 % interval
 * @throws UserError where the network answers no classes, and as `observeAgain`
 */
export async function accuracyUnderShift(
  model: Model,
  task: Task,
  dataset: Dataset,
  rows: ArrayLike<number>,
  { from, steps, to }: ControlledShift,
  options: PassOptions = {},
): Promise<ShiftedAccuracy[]> {
  const predictor = networkPredictor(model, task, options);
  try {
    const points: ShiftedAccuracy[] = [];
    const passes = inAll(Array(steps.length).fill(rows.length), options);
    for (const [i, x] of steps.entries()) {
      const seen = observedDataset(dataset, from, (row) => to(x, row));
      const { labels, predicted } = classesOf(await predictor.predict(seen, rows, passes[i]));
      const known = labels.filter((label) => label >= 0).length;
      const right = labels.filter((label, i) => label >= 0 && predicted[i] === label).length;
      points.push({ x, ...wilsonInterval(right, known) });
    }
    return points;
  } finally {
    predictor.dispose();
  }
}

/** @throws UserError where a table has no classes */
function classesOf(table: PredictionTable): Pick<Predictions, "labels" | "predicted"> {
  if ("labels" in table && "predicted" in table) return table as PredictionTable & Predictions;
  throw new UserError(
    "accuracy is of classes, and the network answers others",
    "ask one that learned classes",
  );
}
