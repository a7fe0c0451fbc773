import { UserError } from "../core/errors";
import { idKey } from "../core/ids";
import { matchNames } from "../core/names";
import type { Predictions } from "./predictions";

/** Two classifiers on the same rows. */
export interface McNemar {
  /** Rows that only the first gets right. */
  readonly onlyFirst: number;
  /** Rows that only the second gets right. */
  readonly onlySecond: number;
  /** Probability of a split at least so uneven if both were equally good: exact, two-sided. */
  readonly pValue: number;
}

/**
 * McNemar's (1947) test in its exact binomial form, of the rows whose true class is known. Rows are
 * matched by id and classes by name, whatever the order of either.
 *
 * @throws UserError where the two are not of the same galaxies, or differ in a true class.
 */
export function mcNemar(first: Predictions, second: Predictions): McNemar {
  const n = first.ids.length;
  const rowOf = new Map(second.ids.map((id, row) => [idKey(id), row]));
  const missing = first.ids.find((id) => !rowOf.has(idKey(id)));
  if (missing !== undefined || n !== second.ids.length)
    throw new UserError(
      `The two prediction tables differ in their rows (${n} and ${second.ids.length}${missing === undefined ? "" : `; the second lacks ${missing}`})`,
      "Compare predictions of the same galaxies.",
    );
  // The second table's classes as indices of the first one's; a class that only it has stays apart.
  const classOf = matchNames(second.classNames, first.classNames);
  let onlyFirst = 0;
  let onlySecond = 0;
  for (let row = 0; row < n; row++) {
    const other = rowOf.get(idKey(first.ids[row])) ?? -1;
    const label = first.labels[row];
    const theirs = second.labels[other];
    if (theirs < 0 ? label >= 0 : label < 0 || classOf[theirs] !== label)
      throw new UserError(
        `${first.ids[row]}: the true class is ${first.classNames[label] ?? "unknown"} in one prediction table and ${second.classNames[theirs] ?? "unknown"} in the other`,
        "Compare predictions against the same truth.",
      );
    if (label < 0) continue;
    const right = first.predicted[row] === label;
    const alsoRight = classOf[second.predicted[other]] === label;
    if (right && !alsoRight) onlyFirst++;
    if (!right && alsoRight) onlySecond++;
  }
  return { onlyFirst, onlySecond, pValue: binomialTail(onlyFirst, onlySecond) };
}

/** Two-sided probability of heads and tails of a fair coin being at least so uneven. */
function binomialTail(heads: number, tails: number): number {
  const trials = heads + tails;
  let logTerm = -trials * Math.LN2;
  let tail = Math.exp(logTerm);
  for (let i = 0; i < Math.min(heads, tails); i++) {
    logTerm += Math.log((trials - i) / (i + 1));
    tail += Math.exp(logTerm);
  }
  return Math.min(2 * tail, 1);
}
