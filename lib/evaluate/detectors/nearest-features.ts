import { type FeatureMatrix, galaxiesOf, squaredDistances } from "../feature-matrix";
import type { Detector } from "./detector";

/** Which neighbor counts. */
const K = 10;

/** Distance to the tenth nearest galaxy in features of length 1 (Sun et al. 2022, arXiv:2204.06507). */
export const nearestFeatures: Detector = {
  name: "nearest features",
  needs: "features",
  fit(known) {
    const own = unit(known.features);
    const m = galaxiesOf(own);
    return (some) => {
      const all = squaredDistances(unit(some.features), own);
      return Float64Array.from({ length: all.length / m }, (_, row) => {
        const sorted = all
          .subarray(row * m, (row + 1) * m)
          .slice()
          .sort();
        return Math.sqrt(sorted[Math.min(K, m) - 1]);
      });
    };
  },
};

function unit({ values, width }: FeatureMatrix): FeatureMatrix {
  const out = Float64Array.from(values);
  for (let at = 0; at < out.length; at += width) {
    const own = out.subarray(at, at + width);
    const length = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0)) || 1;
    own.forEach((value, f) => {
      own[f] = value / length;
    });
  }
  return { values: out, width };
}
