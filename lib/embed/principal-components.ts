import { moments } from "../core/linear-algebra";
import { Random } from "../core/random";
import type { FeatureMatrix } from "../evaluate/feature-matrix";

/** Galaxies in the directions in which their features differ most. */
export interface PrincipalComponents {
  /** float64 `[galaxies, count]`, row-major. */
  readonly values: Float64Array;
  /** Directions, float64 `[count, width]`, each of length 1, the largest entry of each positive. */
  readonly directions: Float64Array;
  /** Share of the variance that each has, 0 to 1. */
  readonly explained: Float64Array;
  /** Number of components. */
  readonly width: number;
}

const STEPS = 2000;

/**
 * Principal component analysis, the largest components first, by power iteration on the covariance; as
 * scikit-learn's `PCA`.
 *
 * @param count Components; as many as there are features at most. Default 2.
 */
export function principalComponents(features: FeatureMatrix, count = 2): PrincipalComponents {
  const { values, width } = features;
  const rows = values.length / width;
  const found = Math.min(count, width);
  const { mean, covariance } = moments(values, width);
  let trace = 0;
  for (let f = 0; f < width; f++) trace += covariance[f * width + f];
  const directions = new Float64Array(found * width);
  const explained = new Float64Array(found);
  const random = new Random(0, "principal components");
  for (let c = 0; c < found; c++) {
    const own = directions.subarray(c * width, (c + 1) * width);
    own.set(Float64Array.from(own, () => random.normal()));
    let variance = 0;
    for (let step = 0; step < STEPS; step++) {
      const next = new Float64Array(width);
      for (let f = 0; f < width; f++) {
        for (let g = 0; g < width; g++) next[f] += covariance[f * width + g] * own[g];
      }
      // What earlier components have is taken out.
      for (let before = 0; before < c; before++) {
        const other = directions.subarray(before * width, (before + 1) * width);
        const along = dot(next, other);
        for (let f = 0; f < width; f++) next[f] -= along * other[f];
      }
      variance = Math.sqrt(dot(next, next));
      if (variance === 0) break;
      let change = 0;
      for (let f = 0; f < width; f++) {
        const value = next[f] / variance;
        change = Math.max(change, Math.abs(value - own[f]));
        own[f] = value;
      }
      if (change < 1e-12) break;
    }
    const largest = own.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    if (largest < 0) for (let f = 0; f < width; f++) own[f] = -own[f];
    explained[c] = trace === 0 ? 0 : variance / trace;
  }
  const out = new Float64Array(rows * found);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < found; c++) {
      let sum = 0;
      for (let f = 0; f < width; f++) {
        sum += (values[row * width + f] - mean[f]) * directions[c * width + f];
      }
      out[row * found + c] = sum;
    }
  }
  return { values: out, directions, explained, width: found };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
