import { UserError } from "../core/errors";
import { labeledPredictions, type Predictions, probabilitiesOf } from "./predictions";

/**
 * Probabilities at another temperature: p^(1/T), normalized. T > 1 makes them less sure, T < 1
 * surer; the order of classes stays. A probability of 0 counts as the float64 epsilon, as in the log
 * loss.
 *
 * @throws UserError where the temperature is no number above 0, or the table has no probabilities
 */
export function atTemperature(predictions: Predictions, temperature: number): Predictions {
  if (!(temperature > 0 && Number.isFinite(temperature)))
    throw new UserError(`The temperature is ${temperature}`, "Give a number above 0.");
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

/** Temperatures looked at. */
const [COLDEST, HOTTEST] = [0.01, 100];

/**
 * The temperature that makes the log loss least (Guo et al. 2017). Fit it on validation rows, apply
 * it to test rows with {@link atTemperature}. The loss is convex in 1/T: Newton's method on it,
 * kept inside a shrinking bracket.
 *
 * @returns T in [0.01, 100]
 * @throws UserError where the rows do not determine it: all probabilities are equal, every row is
 * right (the colder, the better), or the true classes get no more than chance (the hotter, the better)
 */
export function fitTemperature(predictions: Predictions): number {
  const slopeAt = lossSlope(labeledPredictions(predictions));
  let low = 1 / HOTTEST;
  let high = 1 / COLDEST;
  const undetermined = (why: string): never => {
    throw new UserError(
      `The rows do not determine a temperature: ${why}`,
      "Fit it on more rows that were not trained on, or leave the probabilities as they are.",
    );
  };
  const hottest = slopeAt(low);
  if (hottest.curvature === 0) undetermined("all classes are equally probable");
  if (hottest.slope >= 0) undetermined("the true classes are no more probable than the others");
  if (slopeAt(high).slope <= 0) undetermined("every true class is the most probable one");
  let inverse = 1;
  for (let iteration = 0; iteration < 100; iteration++) {
    const { slope, curvature } = slopeAt(inverse);
    if (slope > 0) high = inverse;
    else low = inverse;
    const newton = inverse - slope / curvature;
    const next = newton > low && newton < high ? newton : Math.sqrt(low * high);
    if (Math.abs(next - inverse) <= 1e-13 * inverse) break;
    inverse = next;
  }
  return 1 / inverse;
}

/**
 * Slope and curvature of the summed log loss in 1/T: mean logit under the model less that of the
 * truth, and the variance of the logit under the model.
 */
function lossSlope(predictions: Predictions) {
  const { classNames, labels } = predictions;
  const k = classNames.length;
  const logs = probabilitiesOf(predictions, "Temperature").map((p) =>
    Math.log(Math.max(p, Number.EPSILON)),
  );
  return (inverse: number): { slope: number; curvature: number } => {
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
    return { slope, curvature };
  };
}
