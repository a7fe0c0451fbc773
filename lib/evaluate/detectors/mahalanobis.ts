import { cholesky, inverseSquare, moments } from "../../core/linear-algebra";
import { galaxiesOf } from "../feature-matrix";
import type { Detector } from "./detector";

/** Share of a round covariance that is mixed in, so that features which never change do not rule. */
const SHRINKAGE = 0.01;

/**
 * Squared distance to the nearest class's mean in features, in units of the spread within the classes
 * (Lee et al. 2018, arXiv:1807.03888).
 */
export const mahalanobis: Detector = {
  name: "Mahalanobis",
  needs: "features",
  fit(known) {
    const { values, width } = known.features;
    const rows = galaxiesOf(known.features);
    const labels = known.labels ?? new Int32Array(rows);
    const sums = new Map<number, { count: number; mean: Float64Array }>();
    for (let row = 0; row < rows; row++) {
      const own = sums.get(labels[row]) ?? { count: 0, mean: new Float64Array(width) };
      own.count++;
      for (let f = 0; f < width; f++) own.mean[f] += values[row * width + f];
      sums.set(labels[row], own);
    }
    const meanOf = new Map(
      [...sums].map(([label, { count, mean }]) => [label, mean.map((sum) => sum / count)]),
    );
    const centered = Float64Array.from(values, (value, i) => {
      const mean = meanOf.get(labels[Math.floor(i / width)]);
      return value - (mean?.[i % width] ?? 0);
    });
    // Every class's mean is 0 now: the spread within them is the mean square.
    const { covariance } = moments(centered, width);
    const scale = (rows - 1) / rows;
    let trace = 0;
    for (let f = 0; f < width; f++) trace += (scale * covariance[f * width + f]) / width;
    for (const [i, value] of covariance.entries()) {
      const round = i % (width + 1) === 0 ? SHRINKAGE * trace + 1e-12 : 0;
      covariance[i] = (1 - SHRINKAGE) * scale * value + round;
    }
    const lower = cholesky(covariance, width);
    const means = [...meanOf.values()];
    return ({ features }) => {
      const difference = new Float64Array(width);
      return Float64Array.from({ length: galaxiesOf(features) }, (_, row) => {
        let least = Number.POSITIVE_INFINITY;
        for (const mean of means) {
          for (let f = 0; f < width; f++) {
            difference[f] = features.values[row * width + f] - mean[f];
          }
          least = Math.min(least, inverseSquare(lower, difference));
        }
        return least;
      });
    };
  },
};
