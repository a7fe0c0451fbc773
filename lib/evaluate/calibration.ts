import { type Predictions, probabilitiesOf } from "./predictions";

/** Rows whose confidence falls into one bin of a reliability table. */
export interface ReliabilityBin {
  /** Confidence above which (not including) … */
  readonly low: number;
  /** … and up to which the bin reaches. */
  readonly high: number;
  /** Rows in the bin. */
  readonly count: number;
  /** Of them, those given their true class. */
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
 * The calibration error that so few rows show although every probability is true: by chance more or less of a bin are right
 * than it says. An error within two deviations of the mean says nothing against the network (consistency of Bröcker & Smith 2007,
 * doi:10.1175/WAF993.1; the count of a bin taken as normal).
 *
 * @returns mean and standard deviation of {@link expectedCalibrationError} over such samples; 0 and 0 of no rows
 */
export function chanceCalibrationError(table: readonly ReliabilityBin[]): {
  /** What to expect. */
  mean: number;
  /** One standard deviation. */
  deviation: number;
} {
  const filled = table.filter(({ count }) => count > 0);
  const total = filled.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return { mean: 0, deviation: 0 };
  const variances = filled.map(({ count, confidence: p }) => count * p * (1 - p));
  // The mean of |x| of a normal x is σ √(2 / π), its variance σ² (1 − 2 / π).
  const mean = variances.reduce((sum, v) => sum + Math.sqrt((2 / Math.PI) * v), 0) / total;
  const variance = variances.reduce((sum, v) => sum + v, 0) * (1 - 2 / Math.PI);
  return { mean, deviation: Math.sqrt(variance) / total };
}
