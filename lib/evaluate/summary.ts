import { type ClassScores, confusionScores } from "./classification-scores";
import { countConfusion } from "./confusion";
import { computeMetrics, type MetricValues } from "./metrics";
import { labeledPredictions, type Predictions } from "./predictions";
import { averagePrecision, rocAuc, thresholdsOf } from "./ranking";

/** One class in a {@link Summary}. */
export interface ClassSummary extends ClassScores {
  /** Name of the class. */
  readonly name: string;
  /**
   * Area under the ROC curve, one class against the rest; null without probabilities, and where the
   * class is in no row or in all.
   */
  readonly rocAuc: number | null;
  /** Area under the precision-recall curve; null where `rocAuc` is. */
  readonly averagePrecision: number | null;
}

/** Every metric of a classification: what `metrics.json` and `evaluate --json` hold. */
export interface Summary extends MetricValues {
  /** Rows whose true class is known: those that everything here is of. */
  readonly rows: number;
  /** One entry a class, in the table's order. */
  readonly perClass: readonly ClassSummary[];
  /** Counts, true classes by rows and predicted ones by columns, in the order of `perClass`. */
  readonly confusion: readonly (readonly number[])[];
}

/**
 * Every metric of a prediction table, of the rows whose true class is known.
 *
 * @returns NaN, which JSON writes as null, for what needs probabilities where the table has none
 * @throws UserError where no true class is known, or a probability is not finite
 */
export function evaluate(table: Predictions): Summary {
  const predictions = labeledPredictions(table);
  const { classNames, labels, probabilities } = predictions;
  const confusion = countConfusion(predictions);
  const scores = confusionScores(confusion);
  const rows = labels.length;
  return {
    rows,
    ...computeMetrics({ predictions, scores }),
    perClass: scores.classes.map((score, c) => {
      const ranked = probabilities && score.support > 0 && score.support < rows;
      const thresholds = ranked ? thresholdsOf(predictions, c) : undefined;
      return {
        name: classNames[c],
        ...score,
        rocAuc: thresholds ? rocAuc(thresholds) : null,
        averagePrecision: thresholds ? averagePrecision(thresholds) : null,
      };
    }),
    confusion,
  };
}
