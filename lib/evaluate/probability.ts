import type { Predictions } from "./predictions";

/**
 * Fraction of rows whose true class is among the `k` most probable; of equally probable classes the
 * first in order counts as more probable, as for the predicted class.
 */
export function topKAccuracy(
  { classNames, labels, probabilities }: Predictions,
  k: number,
): number {
  const classes = classNames.length;
  let hits = 0;
  for (let row = 0, at = 0; row < labels.length; row++, at += classes) {
    const label = labels[row];
    const p = probabilities[at + label];
    let above = 0;
    for (let c = 0; c < classes; c++) {
      const other = probabilities[at + c];
      if (other > p || (other === p && c < label)) above++;
    }
    if (above < k) hits++;
  }
  return hits / labels.length;
}

/** Mean −ln p of the true class, nats; p no smaller than the float64 epsilon. */
export function logLoss({ classNames, labels, probabilities }: Predictions): number {
  const classes = classNames.length;
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    const p = probabilities[row * classes + labels[row]];
    sum -= Math.log(Math.min(Math.max(p, Number.EPSILON), 1 - Number.EPSILON));
  }
  return sum / labels.length;
}

/** Mean over rows of the squared distance to the true class's corner, 0 to 2 (Brier 1950). */
export function brierScore({ classNames, labels, probabilities }: Predictions): number {
  const classes = classNames.length;
  let sum = 0;
  for (let row = 0, at = 0; row < labels.length; row++, at += classes) {
    for (let c = 0; c < classes; c++) {
      const difference = probabilities[at + c] - (c === labels[row] ? 1 : 0);
      sum += difference * difference;
    }
  }
  return sum / labels.length;
}
