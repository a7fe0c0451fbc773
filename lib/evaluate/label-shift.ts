import { UserError } from "../core/errors";
import {
  createPredictions,
  labeledPredictions,
  type Predictions,
  probabilitiesOf,
} from "./predictions";

/** How often classes occur elsewhere, and the predictions that follow. */
export interface LabelShift {
  /** Share of each class among the galaxies that the network knows. */
  readonly before: Float64Array;
  /** Its estimated share among the others. */
  readonly after: Float64Array;
  /** The predictions about the others, brought to those shares. */
  readonly predictions: Predictions;
}

/**
 * Estimate how often classes occur in another survey whose galaxies have no labels, and correct the
 * probabilities for it: maximum likelihood by expectation and maximization (Saerens et al. 2002,
 * doi:10.1162/089976602753284446). It takes the galaxies of a class to look alike in both surveys, and the
 * probabilities to be calibrated.
 *
 * @param known Validation galaxies with their classes: how often those occur at home.
 * @param other Predictions about the other survey.
 * @throws UserError where the two have other classes, or there are no probabilities
 */
export function labelShift(known: Predictions, other: Predictions): LabelShift {
  const { classNames, labels } = labeledPredictions(known);
  const k = classNames.length;
  if (classNames.join("\n") !== other.classNames.join("\n")) {
    throw new UserError(
      `the predictions are about ${classNames.join(", ")} and about ${other.classNames.join(", ")}`,
      "give predictions of one network",
    );
  }
  const probabilities = probabilitiesOf(other, "Label shift");
  const rows = probabilities.length / k;
  const before = new Float64Array(k);
  for (const label of labels) before[label] += 1 / labels.length;
  const corrected = new Float64Array(probabilities.length);
  let after: Float64Array = before.slice();
  for (let step = 0; step < 10_000; step++) {
    const next = new Float64Array(k);
    for (let at = 0; at < corrected.length; at += k) {
      let sum = 0;
      for (let c = 0; c < k; c++) {
        // A class that is never seen at home cannot be told to be more frequent elsewhere.
        const factor = before[c] > 0 ? after[c] / before[c] : 0;
        corrected[at + c] = factor * Math.max(probabilities[at + c], Number.EPSILON);
        sum += corrected[at + c];
      }
      for (let c = 0; c < k; c++) {
        corrected[at + c] /= sum;
        next[c] += corrected[at + c] / rows;
      }
    }
    const change = next.reduce((most, share, c) => Math.max(most, Math.abs(share - after[c])), 0);
    after = next;
    if (change < 1e-10) break;
  }
  const predictions = createPredictions(
    { classNames, ids: other.ids, labels: other.labels, probabilities: corrected },
    "The corrected predictions",
  );
  return { before, after, predictions };
}
