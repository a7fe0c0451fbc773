import type { Predictions } from "../evaluate/predictions";

/** A galaxy worth a look, and what the model says of it. */
export interface Picked {
  /** Row of the predictions. */
  readonly row: number;
  readonly id: string;
  readonly label: number;
  readonly predicted: number;
  /** Probability of `predicted`. */
  readonly confidence: number;
}

/**
 * `class`: of each class the galaxy that the model is surest of, and right about. `confidence` and
 * `doubt`: those that it is surest and least sure of, right or wrong. `mistake`: those that it is
 * surest of, and wrong about.
 */
export type PickBy = "class" | "confidence" | "doubt" | "mistake";

/**
 * Pick galaxies to look at.
 *
 * @param count At most; for `class` the number of classes by default, else 8.
 */
export function pickGalaxies(predictions: Predictions, by: PickBy, count?: number): Picked[] {
  const { classNames, ids, labels, probabilities } = predictions;
  const classes = classNames.length;
  const all = ids.map((id, row): Picked => {
    const own = probabilities.subarray(row * classes, (row + 1) * classes);
    const predicted = own.reduce((best, value, c) => (value > own[best] ? c : best), 0);
    return { row, id, label: labels[row], predicted, confidence: own[predicted] };
  });
  // Equals stay in the order of the rows, so that a rerun picks the same.
  const surest = all.sort((a, b) => b.confidence - a.confidence || a.row - b.row);
  const isRight = ({ label, predicted }: Picked) => label === predicted;
  const picked = {
    class: () =>
      classNames.flatMap((_, c) => surest.find((p) => p.label === c && isRight(p)) ?? []),
    confidence: () => surest,
    doubt: () => surest.slice().reverse(),
    mistake: () => surest.filter((p) => !isRight(p)),
  }[by]();
  return picked.slice(0, count ?? (by === "class" ? classes : 8));
}
