import type { ConfusionMatrix } from "./confusion";

/** Precision, recall and F1 of one class, each 0 where its denominator is 0. */
export interface ClassScores {
  /** Of the rows given this class, the fraction that it is true of. */
  readonly precision: number;
  /** Of the rows whose true class it is, the fraction given it. */
  readonly recall: number;
  /** Harmonic mean of precision and recall. */
  readonly f1: number;
  /** Rows whose true class it is. */
  readonly support: number;
}

/** All metrics that a confusion matrix determines. */
export interface ConfusionScores {
  /** Fraction of rows given their true class. */
  readonly accuracy: number;
  /** Mean recall of the classes that occur. */
  readonly balancedAccuracy: number;
  /** Mean precision of the classes that occur as true or predicted. */
  readonly macroPrecision: number;
  /** Mean recall of the classes that occur as true or predicted. */
  readonly macroRecall: number;
  /** Mean F1 of the classes that occur as true or predicted. */
  readonly macroF1: number;
  /** Precision of the classes, weighted by how often each is true. */
  readonly weightedPrecision: number;
  /** Recall of the classes, weighted by how often each is true. */
  readonly weightedRecall: number;
  /** F1 of the classes, weighted by how often each is true. */
  readonly weightedF1: number;
  /** Cohen's κ: agreement beyond chance (Cohen 1960). */
  readonly kappa: number;
  /** Matthews correlation of several classes, R_K (Gorodkin 2004). */
  readonly matthews: number;
  /** One entry a class, in the matrix's order. */
  readonly classes: readonly ClassScores[];
}

const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b);
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Accuracy, precision, recall, F1, κ and R_K from counts of true (rows) × predicted (columns). */
export function confusionScores(confusion: ConfusionMatrix): ConfusionScores {
  const trueCounts = confusion.map(sumOf);
  const predictedCounts = confusion.map((_, c) => sumOf(confusion.map((row) => row[c])));
  const correct = sumOf(confusion.map((row, c) => row[c]));
  const total = sumOf(trueCounts);

  const classes = confusion.map((row, c): ClassScores => {
    const hits = row[c];
    return {
      precision: ratio(hits, predictedCounts[c]),
      recall: ratio(hits, trueCounts[c]),
      f1: ratio(2 * hits, trueCounts[c] + predictedCounts[c]),
      support: trueCounts[c],
    };
  });
  const occurring = classes.filter((_, c) => trueCounts[c] + predictedCounts[c] > 0);
  const macro = (key: keyof ClassScores) =>
    ratio(sumOf(occurring.map((s) => s[key])), occurring.length);
  const weighted = (key: keyof ClassScores) =>
    ratio(sumOf(classes.map((s) => s[key] * s.support)), total);

  // Sums of products over classes: what chance alone would give, and how both sides spread.
  const chance = sumOf(trueCounts.map((n, c) => n * predictedCounts[c]));
  const trueSquares = sumOf(trueCounts.map((n) => n * n));
  const predictedSquares = sumOf(predictedCounts.map((n) => n * n));
  const all = total * total;
  const present = classes.filter((s) => s.support > 0);

  return {
    accuracy: ratio(correct, total),
    balancedAccuracy: ratio(sumOf(present.map((s) => s.recall)), present.length),
    macroPrecision: macro("precision"),
    macroRecall: macro("recall"),
    macroF1: macro("f1"),
    weightedPrecision: weighted("precision"),
    weightedRecall: weighted("recall"),
    weightedF1: weighted("f1"),
    kappa: ratio(correct * total - chance, all - chance),
    matthews: ratio(
      correct * total - chance,
      Math.sqrt(all - predictedSquares) * Math.sqrt(all - trueSquares),
    ),
    classes,
  };
}
