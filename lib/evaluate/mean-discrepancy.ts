import { type FeatureMatrix, galaxiesOf, pooled, squaredDistances } from "./feature-matrix";
import { sortedQuantile } from "./intervals";
import { type PermutationOptions, type PermutationTest, permutationTest } from "./permutation-test";

/** How {@link maximumMeanDiscrepancy} is tested. */
export interface DiscrepancyOptions extends PermutationOptions {
  /**
   * Width σ of the kernel exp(−d² / 2σ²), in units of the features. Default: the median distance of two
   * galaxies of both samples.
   */
  readonly bandwidth?: number;
}

/**
 * Squared maximum mean discrepancy of two samples in the space of features, without bias, and whether it
 * is more than chance (Gretton et al. 2012, JMLR 13, 723). About 0, and below as often as above, where
 * both come from one distribution.
 *
 * @throws UserError where the two have not the same width
 */
export function maximumMeanDiscrepancy(
  first: FeatureMatrix,
  second: FeatureMatrix,
  { bandwidth, ...options }: DiscrepancyOptions = {},
): PermutationTest {
  const all = pooled(first, second);
  const n = galaxiesOf(all);
  const kernel = squaredDistances(all, all);
  const pairs = kernel.filter((_, i) => i % n > Math.floor(i / n)).sort();
  const width = bandwidth ?? Math.sqrt(sortedQuantile(pairs, 0.5));
  for (const [i, d] of kernel.entries()) kernel[i] = Math.exp(-d / (2 * width * width || 1));
  const meanWithin = (rows: Uint32Array) => {
    let sum = 0;
    for (let i = 1; i < rows.length; i++) {
      for (let j = 0; j < i; j++) sum += kernel[rows[i] * n + rows[j]];
    }
    return (2 * sum) / (rows.length * (rows.length - 1));
  };
  const meanBetween = (a: Uint32Array, b: Uint32Array) => {
    let sum = 0;
    for (const i of a) for (const j of b) sum += kernel[i * n + j];
    return sum / (a.length * b.length);
  };
  return permutationTest(
    [galaxiesOf(first), galaxiesOf(second)],
    (a, b) => meanWithin(a) + meanWithin(b) - 2 * meanBetween(a, b),
    options,
  );
}
