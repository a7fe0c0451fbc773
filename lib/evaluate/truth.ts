import { UserError } from "../core/errors";
import { idKey, rowsById } from "../core/ids";
import { matchNames } from "../core/names";
import { classIndices, expectedClass, unionOfClasses } from "./class-names";
import { createPredictions, type Predictions } from "./predictions";

/** True classes of galaxies, from wherever they are known. */
export interface Truth {
  /** Galaxy of each row. */
  readonly ids: readonly string[];
  /** Name of each galaxy's class, or its index; empty where it is not known. */
  readonly labels: readonly string[];
  /** How messages number the rows. Default: from 1. */
  rowNumber?(row: number): number;
}

/**
 * The table with the true classes of another one, joined by id (`58957.0` is `58957`) and by the
 * classes' names. Rows whose id is not found have no label.
 *
 * @param source Name of the truth, for messages.
 * @throws UserError where no id is found, an id stands twice, or a label is no class.
 */
export function withTruth(predictions: Predictions, truth: Truth, source = "Truth"): Predictions {
  const { ids, probabilities } = predictions;
  const rowOf = rowsById(truth.ids, source, truth.rowNumber);
  const rows = ids.map((id) => rowOf.get(idKey(id)) ?? -1);
  if (!rows.some((row) => row >= 0))
    throw new UserError(
      `${source}: none of the ${rows.length} predicted ids ("${ids[0]}" …) is there ("${truth.ids[0]}" …)`,
      "Give the true classes of the same galaxies.",
    );
  const texts = rows.map((row) => (row < 0 ? "" : truth.labels[row].trim()));
  // Without probabilities a class may be true and never predicted.
  const before = predictions.classNames;
  const classNames =
    probabilities === undefined
      ? unionOfClasses(before, texts, ["the prediction table", source])
      : before;
  const labels = classIndices(texts, classNames);
  const stranger = labels.findIndex((c, row) => c < 0 && texts[row] !== "");
  if (stranger >= 0)
    throw new UserError(
      `${source}: the label of ${ids[stranger]} is "${texts[stranger]}"`,
      expectedClass(classNames),
    );
  const moved = matchNames(before, classNames);
  const predicted = predictions.predicted.map((c) => moved[c]);
  return createPredictions({ classNames, ids, labels, predicted, probabilities }, source);
}
