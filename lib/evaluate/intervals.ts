import { Random } from "../core/random";
import { type ConfusionScores, confusionScores } from "./classification-scores";
import { normalQuantile, studentQuantile } from "./distributions";
import { labeledPredictions, type Predictions } from "./predictions";

/** A value and the interval that holds the true one with the level's probability. */
export interface Interval {
  /** The estimate itself. */
  readonly value: number;
  /** Lower bound; NaN where there is none. */
  readonly low: number;
  /** Upper bound; NaN where there is none. */
  readonly high: number;
}

/**
 * Wilson's (1927) interval of a fraction: right also near 0 and 1 and for few rows.
 *
 * @param level Probability of the interval. Default: 0.95.
 */
export function wilsonInterval(hits: number, total: number, level = 0.95): Interval {
  if (total === 0) return { value: Number.NaN, low: 0, high: 1 };
  const z = normalQuantile((1 + level) / 2);
  const p = hits / total;
  const denominator = 1 + (z * z) / total;
  const center = (p + (z * z) / (2 * total)) / denominator;
  const half = (z / denominator) * Math.sqrt((p * (1 - p)) / total + (z * z) / (4 * total * total));
  return {
    value: p,
    low: hits === 0 ? 0 : center - half,
    high: hits === total ? 1 : center + half,
  };
}

/**
 * Mean of repeats (such as seeds) with Student's interval; of one repeat the interval is NaN.
 *
 * @param level Probability of the interval. Default: 0.95.
 */
export function meanInterval(values: readonly number[], level = 0.95): Interval {
  const n = values.length;
  const value = values.reduce((sum, v) => sum + v, 0) / n;
  if (n < 2) return { value, low: Number.NaN, high: Number.NaN };
  const variance = values.reduce((sum, v) => sum + (v - value) ** 2, 0) / (n - 1);
  const half = studentQuantile((1 + level) / 2, n - 1) * Math.sqrt(variance / n);
  return { value, low: value - half, high: value + half };
}

/** How rows are drawn again and again. */
export interface BootstrapOptions {
  /** How many resamples. Default: 1000. */
  readonly samples?: number;
  /** Seed of the draws. Default: 0. */
  readonly seed?: number;
  /** Probability of the interval. Default: 0.95. */
  readonly level?: number;
}

/**
 * Percentile bootstrap (Efron 1979) of any statistic of rows: rows are drawn with replacement, as
 * many as there are.
 *
 * @param statistic Its value on the rows of those indices, such as
 *   `(rows) => logLoss(selectPredictions(predictions, rows))`.
 */
export function bootstrapInterval(
  rows: number,
  statistic: (rows: Uint32Array) => number,
  { samples = 1000, seed = 0, level = 0.95 }: BootstrapOptions = {},
): Interval {
  const all = Uint32Array.from({ length: rows }, (_, i) => i);
  const random = new Random(seed, "bootstrap");
  const drawn = new Uint32Array(rows);
  const values = new Float64Array(samples);
  for (let s = 0; s < samples; s++) {
    for (let i = 0; i < rows; i++) drawn[i] = random.integer(rows);
    values[s] = statistic(drawn);
  }
  values.sort();
  return {
    value: statistic(all),
    low: sortedQuantile(values, (1 - level) / 2),
    high: sortedQuantile(values, (1 + level) / 2),
  };
}

/** The bootstrap interval of a metric of the confusion matrix, such as `(s) => s.macroF1`. */
export function scoreInterval(
  predictions: Predictions,
  metric: (scores: ConfusionScores) => number,
  options: BootstrapOptions = {},
): Interval {
  const { classNames, labels, predicted } = labeledPredictions(predictions);
  const k = classNames.length;
  const cells = labels.map((label, row) => label * k + predicted[row]);
  const statistic = (rows: Uint32Array) => {
    const counts = new Array<number>(k * k).fill(0);
    for (let i = 0; i < rows.length; i++) counts[cells[rows[i]]]++;
    const confusion = classNames.map((_, c) => counts.slice(c * k, (c + 1) * k));
    return metric(confusionScores(confusion));
  };
  return bootstrapInterval(cells.length, statistic, options);
}

/** The quantile of ascending values, linear between neighbors. */
export function sortedQuantile(sorted: ArrayLike<number>, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}
