import type { Detector } from "../evaluate/detectors/detector";
import { isolationForest } from "../evaluate/detectors/isolation-forest";
import { mahalanobis } from "../evaluate/detectors/mahalanobis";
import { nearestFeatures } from "../evaluate/detectors/nearest-features";
import type { FeatureMatrix } from "../evaluate/feature-matrix";
import { rankSum } from "../evaluate/rank-sum";
import { strangeness, strangest } from "./strangeness";

/** How well a ranking finds what is known to be odd. */
export interface StrangenessRow {
  /** Name of the detector. */
  readonly detector: string;
  /** What each galaxy was compared with. */
  readonly within: "all" | "class";
  /** Chance that an odd one is ranked before another; ½ is guessing. */
  readonly auroc: number;
  /** Odd ones among the first. */
  readonly inTop: number;
  /** As {@link strangeness} gives them. */
  readonly scores: Float64Array;
}

/** Detectors that need nothing but features. */
const DETECTORS: readonly Detector[] = [isolationForest, nearestFeatures, mahalanobis];

/**
 * Rank galaxies by each detector that needs features alone, against all others and within classes.
 *
 * @param isOdd Of each galaxy: whether it was put there to be found.
 * @param labels Class of each, such as the predicted one.
 * @param top How many of the ranking are counted. Default 100.
 */
export function compareStrangeness(
  features: FeatureMatrix,
  isOdd: readonly boolean[],
  labels: ArrayLike<number>,
  top = 100,
): StrangenessRow[] {
  return DETECTORS.flatMap((detector) =>
    (["all", "class"] as const).map((within) => {
      const options = within === "class" ? { detector, labels } : { detector };
      const scores = strangeness(features, options);
      const of = (odd: boolean) => scores.filter((_, row) => isOdd[row] === odd);
      const { auroc } = rankSum(of(true), of(false));
      const inTop = strangest(scores, top).filter((row) => isOdd[row]).length;
      return { detector: detector.name, within, auroc, inTop, scores };
    }),
  );
}
