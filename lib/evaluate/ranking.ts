import { UserError } from "../core/errors";
import { type Predictions, probabilitiesOf } from "./predictions";

/** Positives and negatives at or above each distinct score, from the highest score down. */
export interface Thresholds {
  /** The distinct scores, descending. */
  readonly scores: Float64Array;
  /** Positives scored at or above it. */
  readonly truePositives: Float64Array;
  /** Negatives scored at or above it. */
  readonly falsePositives: Float64Array;
}

/**
 * One class against the rest, at every threshold, of the rows whose true class is known.
 *
 * @param className One of `predictions.classNames`, or its index.
 * @throws UserError where there is no such class, or no probabilities that are finite.
 */
export function thresholdsOf(predictions: Predictions, className: string | number): Thresholds {
  const { classNames, labels } = predictions;
  const k = classNames.length;
  const c = typeof className === "number" ? className : classNames.indexOf(className);
  if (!(c >= 0 && c < k))
    throw new UserError(`No class ${className}`, `Expected one of ${classNames.join(", ")}.`);
  const probabilities = probabilitiesOf(predictions, "Thresholds");
  let positives = 0;
  let negatives = 0;
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] === c) positives++;
    else if (labels[row] >= 0) negatives++;
  }
  // Positives and negatives sorted apart and merged: no order of indices is ever sorted.
  const positive = new Float64Array(positives);
  const negative = new Float64Array(negatives);
  for (let row = 0, p = 0, n = 0; row < labels.length; row++) {
    const score = probabilities[row * k + c];
    if (labels[row] === c) positive[p++] = score;
    else if (labels[row] >= 0) negative[n++] = score;
  }
  positive.sort();
  negative.sort();
  const scores = new Float64Array(positives + negatives);
  const truePositives = new Float64Array(positives + negatives);
  const falsePositives = new Float64Array(positives + negatives);
  let p = positive.length - 1;
  let n = negative.length - 1;
  let length = 0;
  while (p >= 0 || n >= 0) {
    const score = p < 0 ? negative[n] : n < 0 ? positive[p] : Math.max(positive[p], negative[n]);
    while (p >= 0 && positive[p] === score) p--;
    while (n >= 0 && negative[n] === score) n--;
    scores[length] = score;
    truePositives[length] = positive.length - 1 - p;
    falsePositives[length] = negative.length - 1 - n;
    length++;
  }
  return {
    scores: scores.subarray(0, length),
    truePositives: truePositives.subarray(0, length),
    falsePositives: falsePositives.subarray(0, length),
  };
}

/** A curve through the unit square. */
export interface Curve {
  /** Ascending, 0 to 1. */
  readonly x: Float64Array;
  /** One value for each of `x`, 0 to 1. */
  readonly y: Float64Array;
}

/** False positive rate (x) against true positive rate (y), from (0, 0) to (1, 1). */
export function rocCurve({ truePositives, falsePositives }: Thresholds): Curve {
  const n = truePositives.length;
  const x = new Float64Array(n + 1);
  const y = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) {
    x[i + 1] = falsePositives[i] / falsePositives[n - 1];
    y[i + 1] = truePositives[i] / truePositives[n - 1];
  }
  return { x, y };
}

/** Recall (x) against precision (y), from recall 0 and precision 1. */
export function precisionRecallCurve({ truePositives, falsePositives }: Thresholds): Curve {
  const n = truePositives.length;
  const x = new Float64Array(n + 1);
  const y = new Float64Array(n + 1);
  y[0] = 1;
  for (let i = 0; i < n; i++) {
    x[i + 1] = truePositives[i] / truePositives[n - 1];
    y[i + 1] = truePositives[i] / (truePositives[i] + falsePositives[i]);
  }
  return { x, y };
}

/** Area under the ROC curve by trapezia: the chance that a positive outranks a negative. */
export function rocAuc(thresholds: Thresholds): number {
  const { x, y } = rocCurve(thresholds);
  let area = 0;
  for (let i = 1; i < x.length; i++) area += ((x[i] - x[i - 1]) * (y[i] + y[i - 1])) / 2;
  return area;
}

/** Average precision: precision at each threshold, weighted by the recall gained there. */
export function averagePrecision(thresholds: Thresholds): number {
  const { x, y } = precisionRecallCurve(thresholds);
  let area = 0;
  for (let i = 1; i < x.length; i++) area += (x[i] - x[i - 1]) * y[i];
  return area;
}
