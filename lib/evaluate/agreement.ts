import { UserError } from "../core/errors";
import { idKey } from "../core/ids";
import { confusionScores } from "./classification-scores";
import { type ConfusionMatrix, countConfusion } from "./confusion";
import { type Interval, wilsonInterval } from "./intervals";
import { mcNemar } from "./mcnemar";
import { type Predictions, probabilitiesOf } from "./predictions";

/** How far predictions about two pictures of the same galaxies agree. */
export interface Agreement {
  /** Share of galaxies given the same class, with its 95 % interval. */
  readonly same: Interval;
  /** Cohen's κ: agreement beyond chance, 1 at best. */
  readonly kappa: number;
  /** Mean over galaxies of half the sum of |p₁ − p₂| (total variation), 0 to 1. */
  readonly distance: number;
  /** Galaxies by the class from the first picture (rows) and from the second (columns). */
  readonly confusion: ConfusionMatrix;
  /** McNemar's p-value: whether one survey is served better; NaN where no class is known. */
  readonly pValue: number;
}

/**
 * Compare predictions about the same galaxies in two surveys, row by row.
 *
 * @param first Of one network.
 * @param second Of the same network, or of another one with the same classes; its rows in the same order.
 * @throws UserError where classes or galaxies differ, or there are no probabilities
 */
export function pairedAgreement(first: Predictions, second: Predictions): Agreement {
  const { classNames, ids } = first;
  if (classNames.join("\n") !== second.classNames.join("\n")) {
    throw new UserError(
      `the predictions are about ${classNames.join(", ")} and about ${second.classNames.join(", ")}`,
      "give predictions of networks with the same classes",
    );
  }
  const other = ids.findIndex((id, row) => idKey(id) !== idKey(second.ids[row] ?? ""));
  if (other >= 0 || ids.length !== second.ids.length) {
    throw new UserError(
      `the predictions differ in their galaxies: ${ids.length} and ${second.ids.length}${other < 0 ? "" : `, ${ids[other]} and ${second.ids[other]} in row ${other + 1}`}`,
      "match the catalogs first, and give the rows of both in that order and with the same ids",
    );
  }
  const confusion = countConfusion({ ...second, labels: first.predicted });
  const same = confusion.reduce((sum, row, c) => sum + row[c], 0);
  const [p, q] = [probabilitiesOf(first, "Agreement"), probabilitiesOf(second, "Agreement")];
  const distance = p.reduce((sum, value, i) => sum + Math.abs(value - q[i]), 0) / 2 / ids.length;
  const known = first.labels.some((label) => label >= 0);
  return {
    same: wilsonInterval(same, ids.length),
    kappa: confusionScores(confusion).kappa,
    distance,
    confusion,
    pValue: known ? mcNemar(first, second).pValue : Number.NaN,
  };
}
