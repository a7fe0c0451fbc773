import { expectedCalibrationError, reliabilityTable } from "./calibration";
import { type ClassScores, confusionScores } from "./classification";
import { countConfusion } from "./confusion";
import { labeledPredictions, type Predictions } from "./predictions";
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
  /** Rows whose true class is known: those that everything here is of. */
  readonly rows: number;
  readonly accuracy: number;
  readonly balancedAccuracy: number;
  /** Fraction whose true class is among the three most probable. */
  readonly top3Accuracy: number | null;
  /** Nats. */
  readonly logLoss: number | null;
  readonly macroPrecision: number;
  readonly macroRecall: number;
  readonly macroF1: number;
  readonly weightedPrecision: number;
  readonly weightedRecall: number;
  readonly weightedF1: number;
  readonly kappa: number;
  readonly matthews: number;
  /** Expected calibration error, 15 bins. */
  readonly ece: number | null;
  readonly brier: number | null;
  readonly perClass: readonly ClassSummary[];
  /** Counts, true classes by rows and predicted ones by columns, in the order of `perClass`. */
  readonly confusion: readonly (readonly number[])[];
}

/**
 * Every metric of a prediction table, of the rows whose true class is known.
 *
 * @returns null for what needs probabilities where the table has none
 * @throws UserError where no true class is known
 */
export function evaluate(predictions: Predictions): Summary {
  const known = labeledPredictions(predictions);
  const { classNames, labels, probabilities } = known;
  const confusion = countConfusion(known);
  const { classes, ...scores } = confusionScores(confusion);
  const rows = labels.length;
  const ifProbabilities = (metric: () => number) => (probabilities ? metric() : null);
  return {
    rows,
    ...scores,
    top3Accuracy: ifProbabilities(() => topKAccuracy(known, 3)),
    logLoss: ifProbabilities(() => logLoss(known)),
    ece: ifProbabilities(() => expectedCalibrationError(reliabilityTable(known))),
    brier: ifProbabilities(() => brierScore(known)),
    perClass: classes.map((score, c) => {
      const ranked = probabilities && score.support > 0 && score.support < rows;
      const thresholds = ranked ? thresholdsOf(known, c) : undefined;
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
