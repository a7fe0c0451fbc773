import { labeledPredictions, type Predictions, probabilitiesOf } from "./predictions";

/**
 * Fraction of rows whose true class is among the `k` most probable; of equally probable classes the
 * first in order counts as more probable, as for the predicted class.
 */
export function topKAccuracy(predictions: Predictions, k: number): number {
  return meanOverRows(predictions, `Top-${k} accuracy`, (label, row) => {
    const p = row[label];
    let above = 0;
    for (let c = 0; c < row.length; c++) {
      if (row[c] > p || (row[c] === p && c < label)) above++;
    }
    return above < k ? 1 : 0;
  });
}

/** Mean −ln p of the true class, nats; p no smaller than the float64 epsilon. */
export function logLoss(predictions: Predictions): number {
  return meanOverRows(
    predictions,
    "Log loss",
    (label, row) => -Math.log(Math.min(Math.max(row[label], Number.EPSILON), 1 - Number.EPSILON)),
  );
}

/** Mean over rows of the squared distance to the true class's corner, 0 to 2 (Brier 1950). */
export function brierScore(predictions: Predictions): number {
  return meanOverRows(predictions, "Brier score", (label, row) => {
    let sum = 0;
    for (let c = 0; c < row.length; c++) sum += (row[c] - (c === label ? 1 : 0)) ** 2;
    return sum;
  });
}

/** The mean of a score over the rows whose true class is known. */
function meanOverRows(
  predictions: Predictions,
  what: string,
  score: (label: number, probabilities: Float64Array) => number,
): number {
  const known = labeledPredictions(predictions);
  const probabilities = probabilitiesOf(known, what);
  const { labels, classNames } = known;
  const k = classNames.length;
  let sum = 0;
  for (let row = 0; row < labels.length; row++)
    sum += score(labels[row], probabilities.subarray(row * k, (row + 1) * k));
  return sum / labels.length;
}
