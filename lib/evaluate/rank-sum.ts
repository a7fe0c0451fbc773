import { UserError } from "../core/errors";
import { twoSidedPValue } from "./distributions";

/** Whether values of one sample are larger than those of another. */
export interface RankSum {
  /** Chance that one of the first is larger than one of the second, equal ones counting half: an AUROC. */
  readonly auroc: number;
  /** Chance of an AUROC at least so far from ½ if both came from one distribution. */
  readonly pValue: number;
}

/**
 * The test of Mann & Whitney (1947), two-sided, by the normal limit with corrections for ties and for
 * continuity.
 *
 * @param first Values, one or more.
 * @param second Values, one or more.
 * @throws UserError for values that are NaN
 */
export function rankSum(first: ArrayLike<number>, second: ArrayLike<number>): RankSum {
  const a = Float64Array.from(first).sort();
  const b = Float64Array.from(second).sort();
  const [n, m] = [a.length, b.length];
  // Sorted, what is no number stands last.
  if (Number.isNaN(a[n - 1]) || Number.isNaN(b[m - 1])) {
    throw new UserError("some of the values to compare are NaN", "leave them out");
  }
  let larger = 0;
  let ties = 0;
  for (let i = 0, j = 0; i < n || j < m; ) {
    const value = i === n ? b[j] : j === m ? a[i] : Math.min(a[i], b[j]);
    const [fromA, fromB] = [i, j];
    while (i < n && a[i] === value) i++;
    while (j < m && b[j] === value) j++;
    const [ofA, ofB] = [i - fromA, j - fromB];
    larger += ofA * (fromB + ofB / 2);
    ties += (ofA + ofB) ** 3 - (ofA + ofB);
  }
  const total = n + m;
  const variance = ((n * m) / 12) * (total + 1 - ties / (total * (total - 1)));
  const away = Math.abs(larger - (n * m) / 2) - 0.5;
  const pValue = variance > 0 ? twoSidedPValue(away / Math.sqrt(variance)) : 1;
  return { auroc: larger / (n * m), pValue };
}
