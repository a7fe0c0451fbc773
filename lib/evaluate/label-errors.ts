import { argmax } from "../core/argmax";
import { labeledPredictions, type Predictions, probabilitiesOf } from "./predictions";

/** A galaxy whose label may be wrong. */
export interface LabelError {
  /** Which galaxy. */
  readonly id: string;
  /** Its label, index into the class names. */
  readonly label: number;
  /** The most probable class, index into the class names. */
  readonly suggested: number;
  /** Probability of its label: the lower, the likelier an error. */
  readonly confidence: number;
  /**
   * Whether confident learning counts it as an error: some class has at least the probability that it
   * has on average where it is the label, and that class is not the label.
   */
  readonly suspect: boolean;
}

/** What a probability may lack of its limit for rounding, and the least limit. */
const [ROUNDING, LEAST_LIMIT] = [1e-6, 2e-6];

/**
 * Labels that are likely wrong, most likely first (confident learning, Northcutt et al. 2021,
 * arXiv:1911.00068; with `filter_by="confident_learning"` and `self_confidence` of cleanlab). The
 * galaxies must not have been trained on: take the predictions of a test or validation split, or
 * those of several runs whose test splits cover all galaxies.
 *
 * @returns All rows with a known class, by rising confidence.
 * @throws UserError where the table has no probabilities, or no known class
 */
export function rankLabelErrors(predictions: Predictions): LabelError[] {
  const known = labeledPredictions(predictions);
  const { classNames, ids, labels } = known;
  const k = classNames.length;
  const probabilities = probabilitiesOf(known, "Label errors");
  const limits = meanOwnProbability(labels, probabilities, k);
  const found = ids.map((id, row): LabelError => {
    const at = row * k;
    const label = labels[row];
    const suggested = argmax(probabilities, at, k);
    let confident = 0;
    let only = -1;
    for (let c = 0; c < k; c++) {
      if (!(probabilities[at + c] >= limits[c] - ROUNDING)) continue;
      confident++;
      only = c;
    }
    const guess = confident > 1 ? suggested : only;
    return {
      id,
      label,
      suggested,
      confidence: probabilities[at + label],
      suspect: confident > 0 && guess !== label && suggested !== label,
    };
  });
  return found.sort((a, b) => a.confidence - b.confidence);
}

/** Of each class, its mean probability where it is the label; no row reaches a class without one. */
function meanOwnProbability(labels: Int32Array, probabilities: Float64Array, k: number) {
  const sum = new Float64Array(k);
  const count = new Float64Array(k);
  labels.forEach((label, row) => {
    sum[label] += probabilities[row * k + label];
    count[label]++;
  });
  // A class that is never probable, though some label says it, is no candidate either.
  return sum.map((total, c) =>
    count[c] > 0 ? Math.max(total / count[c], LEAST_LIMIT) : Number.POSITIVE_INFINITY,
  );
}
