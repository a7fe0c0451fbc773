import { UserError } from "../core/errors";

/** Rows of each class, by label. */
export function rowsByClass(
  labels: ArrayLike<number>,
  rows: ArrayLike<number>,
): Map<number, number[]> {
  const byClass = new Map<number, number[]>();
  for (let i = 0; i < rows.length; i++) {
    const list = byClass.get(labels[rows[i]]);
    if (list) list.push(rows[i]);
    else byClass.set(labels[rows[i]], [rows[i]]);
  }
  return new Map([...byClass].sort(([a], [b]) => a - b));
}

/** How {@link classWeights} weighs classes. */
export type ClassWeighting = "inverse" | "effective";

/**
 * Weight of each class in a loss, with a mean of 1 over the rows.
 *
 * `inverse` is one over the class's number of rows; `effective` one over its effective number
 * (1 − βⁿ) / (1 − β), which grows ever more slowly with n.
 *
 * @param classes Number of classes; one without rows gets the weight 0.
 * @param beta Of the effective number, in [0, 1); by default (n − 1) / n for n rows, as in the paper.
 * @see Cui et al. 2019, arXiv:1901.05555
 */
export function classWeights(
  labels: ArrayLike<number>,
  rows: ArrayLike<number>,
  classes: number,
  weighting: ClassWeighting,
  beta = 1 - 1 / rows.length,
): Float64Array {
  if (!(beta >= 0 && beta < 1)) {
    throw new UserError(`beta is ${beta}; expected 0 ≤ beta < 1.`, "Give for example 0.999.");
  }
  const counts = new Float64Array(classes);
  for (let i = 0; i < rows.length; i++) counts[labels[rows[i]]]++;
  const raw = counts.map((n) => {
    if (n === 0) return 0;
    return weighting === "inverse" ? 1 / n : (1 - beta) / (1 - beta ** n);
  });
  const mean = raw.reduce((sum, weight, c) => sum + weight * counts[c], 0) / rows.length;
  return raw.map((weight) => weight / mean);
}
