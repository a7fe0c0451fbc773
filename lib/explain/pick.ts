import { UserError } from "../core/errors";
import { asText } from "../core/table";
import type { Dataset } from "../data/dataset";
import { type Predictions, probabilitiesOf } from "../evaluate/predictions";
import type { Pictures } from "../predict/image-batch";

/** A galaxy worth a look, and what the model says of it. */
export interface Picked {
  /** Row of the predictions. */
  readonly row: number;
  /** Of the galaxy. */
  readonly id: string;
  /** True class; −1 where it is not known. */
  readonly label: number;
  /** Index of the likeliest class. */
  readonly predicted: number;
  /** Probability of `predicted`. */
  readonly confidence: number;
  /** The answer; where that is known to be wrong, `class, called answer`. */
  readonly name: string;
}

/**
 * `class`: of each class the galaxy that the model is surest of, and right about if it ever is.
 * `confidence` and `doubt`: those that it is surest and least sure of, right or wrong. `mistake`:
 * those that it is surest of, and wrong about.
 */
export type PickBy = "class" | "confidence" | "doubt" | "mistake";

/**
 * Pick galaxies to look at.
 *
 * @param count At most; for `class` the number of classes by default, else 8.
 */
export function pickGalaxies(predictions: Predictions, by: PickBy, count?: number): Picked[] {
  const { classNames, ids, labels } = predictions;
  const probabilities = probabilitiesOf(predictions, "Galaxies to look at");
  const classes = classNames.length;
  const all = ids.map((id, row): Picked => {
    const predicted = predictions.predicted[row];
    const confidence = probabilities[row * classes + predicted];
    const label = labels[row];
    const answer = classNames[predicted];
    const isWrong = label >= 0 && label !== predicted;
    const name = isWrong ? `${classNames[label]}, called ${answer}` : answer;
    return { row, id, label, predicted, confidence, name };
  });
  // Equals stay in the order of the rows, so that a rerun picks the same.
  const surest = all.sort((a, b) => b.confidence - a.confidence || a.row - b.row);
  const isRight = ({ label, predicted }: Picked) => label === predicted;
  const picked = {
    class: () =>
      classNames.flatMap((_, c) => {
        const own = surest.filter((p) => (p.label < 0 ? p.predicted : p.label) === c);
        return own.find(isRight) ?? own.slice(0, 1);
      }),
    confidence: () => surest,
    doubt: () => surest.slice().reverse(),
    mistake: () => surest.filter((p) => p.label >= 0 && !isRight(p)),
  }[by]();
  return picked.slice(0, count ?? (by === "class" ? classes : 8));
}

/** Pictures of galaxies that were picked, with a name for each. */
export interface PickedPictures extends Pictures {
  /** The class; where it was missed, `class, called answer`. */
  readonly names: readonly string[];
  /** Row of each in the data set. */
  readonly rows: readonly number[];
}

/**
 * Read galaxies that were picked from predictions.
 *
 * @throws UserError when the data set does not hold one of them
 */
export async function readPicked(
  dataset: Dataset,
  picked: readonly Picked[],
): Promise<PickedPictures> {
  const ids = asText(dataset.table.id);
  const rowOf = new Map(ids.map((id, row) => [id, row]));
  const rows = picked.map(({ id }) => {
    const row = rowOf.get(id);
    if (row !== undefined) return row;
    throw new UserError(
      `${dataset.name} has no galaxy ${id}`,
      "take predictions that were made on this data set",
    );
  });
  return {
    pixels: await dataset.read(rows),
    size: dataset.imageSize,
    names: picked.map(({ name }) => name),
    rows,
  };
}
