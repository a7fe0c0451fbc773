import { type Predictions, probabilitiesOf } from "./predictions";

/** How many rows of each true class (first index) were given each class (second index). */
export type ConfusionMatrix = readonly (readonly number[])[];

/** Count true against predicted classes, of the rows whose true class is known. */
export function countConfusion({ classNames, labels, predicted }: Predictions): number[][] {
  const k = classNames.length;
  const counts = new Float64Array(k * k);
  for (let row = 0; row < labels.length; row++)
    if (labels[row] >= 0) counts[labels[row] * k + predicted[row]]++;
  return classNames.map((_, c) => [...counts.subarray(c * k, (c + 1) * k)]);
}

/** Each row divided by its sum: of the galaxies of a class, the fraction given each class. */
export function normalizeRows(confusion: ConfusionMatrix): number[][] {
  return confusion.map((row) => {
    const total = row.reduce((sum, n) => sum + n, 0);
    return row.map((n) => (total === 0 ? 0 : n / total));
  });
}

/** A kind of mistake: galaxies of one class taken for another. */
export interface ConfusedPair {
  /** Index of the true class. */
  readonly label: number;
  /** Index of the class it was taken for. */
  readonly predicted: number;
  /** How many galaxies. */
  readonly count: number;
  /** Fraction of the true class. */
  readonly fraction: number;
  /** Rows of the prediction table, most confident mistake first where there are probabilities. */
  readonly rows: readonly number[];
}

/**
 * The kinds of mistakes, most frequent first.
 *
 * @param limit How many at most. Default: 10.
 */
export function mostConfusedPairs(predictions: Predictions, limit = 10): ConfusedPair[] {
  const { labels, predicted, probabilities, classNames } = predictions;
  const k = classNames.length;
  const support = new Float64Array(k);
  const pairs = new Map<number, number[]>();
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] < 0) continue;
    support[labels[row]]++;
    if (labels[row] === predicted[row]) continue;
    const key = labels[row] * k + predicted[row];
    const rows = pairs.get(key);
    if (rows) rows.push(row);
    else pairs.set(key, [row]);
  }
  return [...pairs]
    .sort(([a, rowsA], [b, rowsB]) => rowsB.length - rowsA.length || a - b)
    .slice(0, limit)
    .map(([key, rows]) => {
      const label = Math.floor(key / k);
      const taken = key % k;
      const p = (row: number) => probabilities?.[row * k + taken] ?? 0;
      return {
        label,
        predicted: taken,
        count: rows.length,
        fraction: rows.length / support[label],
        rows: rows.sort((a, b) => p(b) - p(a)),
      };
    });
}

/** A galaxy given the wrong class. */
export interface Mistake {
  /** Row of the prediction table. */
  readonly row: number;
  /** Its id. */
  readonly id: string;
  /** Index of the true class. */
  readonly label: number;
  /** Index of the class it was given. */
  readonly predicted: number;
  /** Probability of the predicted class. */
  readonly confidence: number;
}

/**
 * The mistakes that the classifier was surest of, surest first.
 *
 * @param limit How many at most. Default: 20.
 */
export function mostConfidentMistakes(predictions: Predictions, limit = 20): Mistake[] {
  const { ids, labels, classNames } = predictions;
  const probabilities = probabilitiesOf(predictions, "Confident mistakes");
  const mistakes: Mistake[] = [];
  predictions.predicted.forEach((predicted, row) => {
    if (labels[row] < 0 || predicted === labels[row]) return;
    const confidence = probabilities[row * classNames.length + predicted];
    mistakes.push({ row, id: ids[row], label: labels[row], predicted, confidence });
  });
  return mistakes.sort((a, b) => b.confidence - a.confidence || a.row - b.row).slice(0, limit);
}
