import { UserError } from "../core/errors";
import { twoSidedPValue } from "./distributions";

/** Two models compared galaxy by galaxy. */
export interface PairedTest {
  /** Pairs that differ. */
  readonly pairs: number;
  /** Mean of the first's values less the second's. */
  readonly meanDifference: number;
  /** Probability of such a difference if neither were the better one, two-sided. */
  readonly pValue: number;
}

/**
 * Wilcoxon's (1945) signed-rank test of pairs, by the normal distribution with a correction for ties.
 * Pairs that are equal are left out, as he did.
 *
 * @param first A value a galaxy, such as its mean absolute error.
 * @param second The same galaxies' values of the other model, in the same order.
 * @throws UserError where the two are not equally long
 */
export function wilcoxonTest(first: ArrayLike<number>, second: ArrayLike<number>): PairedTest {
  if (first.length !== second.length)
    throw new UserError(
      `${first.length} values are compared with ${second.length}`,
      "Give both models' values of the same galaxies.",
    );
  const differences = Array.from(first, (value, i) => value - second[i]).filter(Number.isFinite);
  const meanDifference = differences.reduce((a, b) => a + b, 0) / differences.length;
  const unequal = differences.filter((difference) => difference !== 0);
  unequal.sort((a, b) => Math.abs(a) - Math.abs(b));
  const n = unequal.length;
  if (n === 0) return { pairs: 0, meanDifference: meanDifference || 0, pValue: 1 };
  let positive = 0;
  let ties = 0;
  for (let from = 0; from < n; ) {
    let to = from + 1;
    while (to < n && Math.abs(unequal[to]) === Math.abs(unequal[from])) to++;
    // Equal ones share the mean of their ranks.
    const rank = (from + 1 + to) / 2;
    for (let i = from; i < to; i++) if (unequal[i] > 0) positive += rank;
    ties += (to - from) ** 3 - (to - from);
    from = to;
  }
  const mean = (n * (n + 1)) / 4;
  const variance = (n * (n + 1) * (2 * n + 1)) / 24 - ties / 48;
  const z = (positive - mean) / Math.sqrt(variance);
  return {
    pairs: n,
    meanDifference,
    pValue: twoSidedPValue(Math.abs(z)),
  };
}

/**
 * Holm's (1979) correction of p-values for as many comparisons: the chance that any true null hypothesis is
 * rejected stays below the level. NaN stays NaN and is not counted.
 *
 * @returns in the same order, each at least as large as before
 */
export function holmCorrection(pValues: readonly number[]): number[] {
  const order = pValues.flatMap((p, i) => (Number.isNaN(p) ? [] : [i]));
  order.sort((a, b) => pValues[a] - pValues[b]);
  const corrected = [...pValues];
  let least = 0;
  for (const [k, i] of order.entries()) {
    least = Math.max(least, Math.min(1, (order.length - k) * pValues[i]));
    corrected[i] = least;
  }
  return corrected;
}
