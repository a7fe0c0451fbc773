import { expectedCalibrationError, reliabilityTable } from "./calibration";
import type { ConfusionScores } from "./classification-scores";
import type { Predictions } from "./predictions";
import { brierScore, logLoss, topKAccuracy } from "./probability";

/** What a metric is computed from. */
export interface Evaluated {
  /** The rows whose true class is known, at least one. */
  readonly predictions: Predictions;
  /** What their confusion matrix determines. */
  readonly scores: ConfusionScores;
}

/** One number that says how good a classifier is. */
export interface ClassificationMetric {
  /** A sentence for people. */
  readonly description: string;
  /** Whether more or less of it is better. */
  readonly better: "max" | "min";
  /** Whether a table of classes alone leaves it undetermined: it is NaN there, null in JSON. */
  readonly needsProbabilities: boolean;
  /** Its value; it may rely on probabilities only where it says that it needs them. */
  compute(evaluated: Evaluated): number;
}

const more = { better: "max", needsProbabilities: false } as const;
const moreOfProbabilities = { better: "max", needsProbabilities: true } as const;
const lessOfProbabilities = { better: "min", needsProbabilities: true } as const;

/**
 * Every metric of a classification under its key in `metrics.json`, in that order. One more is one
 * more entry: `evaluate`, the command, the history of a run and what can be monitored read this.
 */
const metrics = {
  accuracy: {
    ...more,
    description: "Fraction of galaxies given their true class.",
    compute: ({ scores }) => scores.accuracy,
  },
  balancedAccuracy: {
    ...more,
    description: "Mean recall of the classes that occur.",
    compute: ({ scores }) => scores.balancedAccuracy,
  },
  macroPrecision: {
    ...more,
    description: "Mean precision of the classes that occur as true or predicted.",
    compute: ({ scores }) => scores.macroPrecision,
  },
  macroRecall: {
    ...more,
    description: "Mean recall of the classes that occur as true or predicted.",
    compute: ({ scores }) => scores.macroRecall,
  },
  macroF1: {
    ...more,
    description: "Mean F1 of the classes that occur as true or predicted.",
    compute: ({ scores }) => scores.macroF1,
  },
  weightedPrecision: {
    ...more,
    description: "Precision of the classes, weighted by how often each is true.",
    compute: ({ scores }) => scores.weightedPrecision,
  },
  weightedRecall: {
    ...more,
    description: "Recall of the classes, weighted by how often each is true.",
    compute: ({ scores }) => scores.weightedRecall,
  },
  weightedF1: {
    ...more,
    description: "F1 of the classes, weighted by how often each is true.",
    compute: ({ scores }) => scores.weightedF1,
  },
  kappa: {
    ...more,
    description: "Cohen's κ: agreement beyond chance (Cohen 1960).",
    compute: ({ scores }) => scores.kappa,
  },
  matthews: {
    ...more,
    description: "Matthews correlation of several classes, R_K (Gorodkin 2004).",
    compute: ({ scores }) => scores.matthews,
  },
  top3Accuracy: {
    ...moreOfProbabilities,
    description: "Fraction of galaxies whose true class is among the three most probable.",
    compute: ({ predictions }) => topKAccuracy(predictions, 3),
  },
  logLoss: {
    ...lessOfProbabilities,
    description: "Mean −ln p of the true class, nats.",
    compute: ({ predictions }) => logLoss(predictions),
  },
  ece: {
    ...lessOfProbabilities,
    description: "Expected calibration error, 15 bins (Naeini et al. 2015).",
    compute: ({ predictions }) => expectedCalibrationError(reliabilityTable(predictions)),
  },
  brier: {
    ...lessOfProbabilities,
    description: "Mean squared distance to the true class's corner, 0 to 2 (Brier 1950).",
    compute: ({ predictions }) => brierScore(predictions),
  },
} as const satisfies Readonly<Record<string, ClassificationMetric>>;

/** Name of a metric: its key in `metrics.json`. */
export type MetricName = keyof typeof metrics;

/** Every metric by name. */
export const classificationMetrics: Readonly<Record<MetricName, ClassificationMetric>> = metrics;

/** A value for every metric; NaN, which JSON writes as null, where the table does not determine it. */
export type MetricValues = Readonly<Record<MetricName, number>>;

/** Every metric of {@link classificationMetrics}. */
export function computeMetrics(evaluated: Evaluated): MetricValues {
  const values: Record<string, number> = {};
  for (const [name, metric] of Object.entries<ClassificationMetric>(classificationMetrics)) {
    const defined = !metric.needsProbabilities || evaluated.predictions.probabilities !== undefined;
    values[name] = defined ? metric.compute(evaluated) : Number.NaN;
  }
  return values as Record<keyof MetricValues, number>;
}
