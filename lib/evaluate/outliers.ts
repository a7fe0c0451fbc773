import type { Detector, Seen } from "./detectors/detector";
import { dirichletStrength } from "./detectors/dirichlet-strength";
import { energy } from "./detectors/energy";
import { isolationForest } from "./detectors/isolation-forest";
import { mahalanobis } from "./detectors/mahalanobis";
import { maxSoftmax } from "./detectors/max-softmax";
import { nearestFeatures } from "./detectors/nearest-features";
import { sortedQuantile } from "./intervals";
import { rankSum } from "./rank-sum";

/** Every way to tell strange pictures; a new one is a file and a line here. */
export const outlierDetectors: readonly Detector[] = [
  maxSoftmax,
  energy,
  mahalanobis,
  nearestFeatures,
  isolationForest,
  dirichletStrength,
];

/** How well one detector tells pictures of one kind from galaxies. */
export interface OutlierScores {
  /** Name of the detector. */
  readonly detector: string;
  /** Kind of pictures. */
  readonly outliers: string;
  /** Chance that such a picture is stranger than a galaxy; ½ is guessing. */
  readonly auroc: number;
  /** Share of such pictures that pass where 95 % of the galaxies do. */
  readonly fpr95: number;
}

/**
 * Compare detectors on kinds of pictures that are none of a network's galaxies.
 *
 * @param known Galaxies that the detectors learn from, such as those of the validation split.
 * @param test Galaxies that nothing learned from.
 * @param outliers Kinds of pictures by name.
 * @param detectors Default: those of {@link outlierDetectors} for which there is what they need.
 * @returns one row a detector and kind, detectors in order
 */
export function compareDetectors(
  known: Seen,
  test: Seen,
  outliers: Readonly<Record<string, Seen>>,
  detectors = outlierDetectors.filter(({ needs }) => known[needs] !== undefined),
): OutlierScores[] {
  return detectors.flatMap((detector) => {
    const score = detector.fit(known);
    const own = score(test);
    const limit = outlierThreshold(own);
    return Object.entries(outliers).map(([name, seen]): OutlierScores => {
      const scores = score(seen);
      const passing = scores.filter((value) => value <= limit).length;
      return {
        detector: detector.name,
        outliers: name,
        auroc: rankSum(scores, own).auroc,
        fpr95: passing / scores.length,
      };
    });
  });
}

/**
 * The score above which a picture is called strange, so that this share of galaxies passes. Choose it on
 * validation galaxies.
 *
 * @param scores Of galaxies.
 * @param keep Share of them that passes, 0 to 1. Default 0.95.
 */
export function outlierThreshold(scores: ArrayLike<number>, keep = 0.95): number {
  return sortedQuantile(Float64Array.from(scores).sort(), keep);
}

/** What a threshold finds, and what it costs. */
export interface ThresholdCost {
  /** Share of the galaxies that it turns away. */
  readonly lost: number;
  /** Share of the strange pictures that it finds. */
  readonly found: number;
  /** Accuracy on the galaxies that pass; NaN where none does, or none has a class. */
  readonly accuracy: number;
  /** Accuracy on all galaxies. */
  readonly accuracyBefore: number;
}

/**
 * What a threshold does to galaxies and to strange pictures.
 *
 * @param galaxies Scores of test galaxies, and whether each was given its class.
 * @param outliers Scores of strange pictures.
 */
export function thresholdCost(
  limit: number,
  galaxies: { readonly scores: ArrayLike<number>; readonly correct: readonly boolean[] },
  outliers: ArrayLike<number>,
): ThresholdCost {
  const { correct } = galaxies;
  const share = (some: readonly boolean[]) => some.filter(Boolean).length / some.length;
  const passes = Array.from(galaxies.scores, (score) => score <= limit);
  return {
    lost: 1 - share(passes),
    found: share(Array.from(outliers, (score) => score > limit)),
    accuracy: share(correct.filter((_, row) => passes[row])),
    accuracyBefore: share(correct),
  };
}
