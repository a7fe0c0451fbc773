import { labeledPredictions, type Predictions, probabilitiesOf } from "./predictions";

/** Rows whose confidence falls into one bin of a reliability table. */
export interface ReliabilityBin {
  /** Confidence above which (not including) … */
  readonly low: number;
  /** … and up to which the bin reaches. */
  readonly high: number;
  readonly count: number;
  readonly correct: number;
  /** Mean probability of the predicted class; NaN in an empty bin. */
  readonly confidence: number;
  /** Fraction correct; NaN in an empty bin. */
  readonly accuracy: number;
}

/**
 * Confidence against accuracy in bins of equal width over (0, 1], of the rows whose true class is
 * known (Guo et al. 2017, arXiv:1706.04599; DeGroot & Fienberg 1983).
 *
 * @param bins How many. Default: 15.
 * @throws UserError where the table has no probabilities
 */
export function reliabilityTable(predictions: Predictions, bins = 15): ReliabilityBin[] {
  const { classNames, labels, predicted } = predictions;
  const probabilities = probabilitiesOf(predictions, "Reliability table");
  const counts = new Float64Array(bins);
  const correct = new Float64Array(bins);
  const confidence = new Float64Array(bins);
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] < 0) continue;
    const p = probabilities[row * classNames.length + predicted[row]];
    const bin = Math.min(Math.max(Math.ceil(p * bins) - 1, 0), bins - 1);
    counts[bin]++;
    confidence[bin] += p;
    if (predicted[row] === labels[row]) correct[bin]++;
  }
  return Array.from(counts, (count, bin) => ({
    low: bin / bins,
    high: (bin + 1) / bins,
    count,
    correct: correct[bin],
    confidence: confidence[bin] / count,
    accuracy: correct[bin] / count,
  }));
}

/** Mean |accuracy − confidence| over the bins, weighted by their rows (Naeini et al. 2015). */
export function expectedCalibrationError(table: readonly ReliabilityBin[]): number {
  let gap = 0;
  let total = 0;
  for (const bin of table) {
    if (bin.count === 0) continue;
    gap += bin.count * Math.abs(bin.accuracy - bin.confidence);
    total += bin.count;
  }
  return total === 0 ? 0 : gap / total;
}

/**
 * Probabilities at another temperature: p^(1/T), normalized. T > 1 makes them less sure, T < 1
 * surer; the order of classes stays. A probability of 0 counts as the float64 epsilon, as in the log
 * loss.
 */
export function atTemperature(predictions: Predictions, temperature: number): Predictions {
  const k = predictions.classNames.length;
  const before = probabilitiesOf(predictions, "Temperature");
  const probabilities = new Float64Array(before.length);
  for (let at = 0; at < probabilities.length; at += k) {
    let largest = 0;
    for (let c = 0; c < k; c++) largest = Math.max(largest, before[at + c]);
    let sum = 0;
    for (let c = 0; c < k; c++) {
      const p = (Math.max(before[at + c], Number.EPSILON) / largest) ** (1 / temperature);
      probabilities[at + c] = p;
      sum += p;
    }
    for (let c = 0; c < k; c++) probabilities[at + c] /= sum;
  }
  return { ...predictions, probabilities };
}

/**
 * The temperature that makes the log loss least (Guo et al. 2017). Fit it on validation rows, apply
 * it to test rows with {@link atTemperature}. The loss is convex in 1/T: Newton's method on it,
 * kept inside a shrinking bracket.
 *
 * @returns T in [0.01, 100].
 */
export function fitTemperature(predictions: Predictions): number {
  const known = labeledPredictions(predictions);
  const { classNames, labels } = known;
  const probabilities = probabilitiesOf(known, "Temperature");
  const k = classNames.length;
  const logs = probabilities.map((p) => Math.log(Math.max(p, Number.EPSILON)));
  let low = 0.01;
  let high = 100;
  let inverse = 1;
  for (let iteration = 0; iteration < 100; iteration++) {
    // Slope and curvature of the loss in 1/T: mean logit under the model less that of the truth,
    // and the variance of the logit under the model.
    let slope = 0;
    let curvature = 0;
    for (let row = 0, at = 0; row < labels.length; row++, at += k) {
      let largest = Number.NEGATIVE_INFINITY;
      for (let c = 0; c < k; c++) largest = Math.max(largest, logs[at + c]);
      let sum = 0;
      let first = 0;
      let second = 0;
      for (let c = 0; c < k; c++) {
        const z = logs[at + c] - largest;
        const weight = Math.exp(z * inverse);
        sum += weight;
        first += weight * z;
        second += weight * z * z;
      }
      const mean = first / sum;
      slope += mean - (logs[at + labels[row]] - largest);
      curvature += second / sum - mean * mean;
    }
    if (slope > 0) high = inverse;
    else low = inverse;
    const newton = inverse - slope / curvature;
    const next = newton > low && newton < high ? newton : Math.sqrt(low * high);
    if (Math.abs(next - inverse) <= 1e-13 * inverse) break;
    inverse = next;
  }
  return 1 / inverse;
}
