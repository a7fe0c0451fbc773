import { expectedCalibrationError, reliabilityTable } from "./calibration";
import { type ClassScores, confusionScores } from "./classification";
import { confusionMatrixOf } from "./confusion";
import { type Predictions, predictedClasses } from "./predictions";
import { brierScore, logLoss, topKAccuracy } from "./probability";
import { averagePrecision, rocAuc, thresholdsOf } from "./ranking";

/** One class in a {@link Summary}. */
export interface ClassSummary extends ClassScores {
  readonly name: string;
  /** One against the rest; null where the class is in no row or in all. */
  readonly rocAuc: number | null;
  readonly averagePrecision: number | null;
}

/** Every metric of a classification: what `metrics.json` and `evaluate --json` hold. */
export interface Summary {
  readonly rows: number;
  readonly accuracy: number;
  readonly balancedAccuracy: number;
  /** Fraction whose true class is among the three most probable. */
  readonly top3Accuracy: number;
  /** Nats. */
  readonly logLoss: number;
  readonly macroPrecision: number;
  readonly macroRecall: number;
  readonly macroF1: number;
  readonly weightedPrecision: number;
  readonly weightedRecall: number;
  readonly weightedF1: number;
  readonly kappa: number;
  readonly matthews: number;
  /** Expected calibration error, 15 bins. */
  readonly ece: number;
  readonly brier: number;
  readonly perClass: readonly ClassSummary[];
  /** Counts, true classes by rows and predicted ones by columns, in the order of `perClass`. */
  readonly confusion: readonly (readonly number[])[];
}

/** Every metric of a prediction table. */
export function evaluate(predictions: Predictions): Summary {
  const { classNames, labels } = predictions;
  const confusion = confusionMatrixOf(labels, predictedClasses(predictions), classNames.length);
  const { classes, ...scores } = confusionScores(confusion);
  const rows = labels.length;
  return {
    rows,
    ...scores,
    top3Accuracy: topKAccuracy(predictions, 3),
    logLoss: logLoss(predictions),
    ece: expectedCalibrationError(reliabilityTable(predictions)),
    brier: brierScore(predictions),
    perClass: classes.map((score, c) => {
      const ranked = score.support > 0 && score.support < rows;
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
