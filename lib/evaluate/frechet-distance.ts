import {
  cholesky,
  congruent,
  type Moments,
  moments,
  symmetricEigenvalues,
} from "../core/linear-algebra";
import { type FeatureMatrix, galaxiesOf, pooled } from "./feature-matrix";
import { type PermutationOptions, type PermutationTest, permutationTest } from "./permutation-test";

/**
 * Fréchet distance of two samples in the space of features, both taken for normal (Heusel et al. 2017,
 * arXiv:1706.08500): |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½). It is squared, as is usual, and larger for
 * small samples: compare samples of one size only.
 */
export function frechetDistance(first: FeatureMatrix, second: FeatureMatrix): number {
  const { width } = pooled(first, second);
  return distance(moments(first.values, width), moments(second.values, width));
}

/**
 * Whether the Fréchet distance of two samples is more than chance.
 *
 * @throws UserError where the two have not the same width
 */
export function frechetTest(
  first: FeatureMatrix,
  second: FeatureMatrix,
  options: PermutationOptions = {},
): PermutationTest {
  const { values, width } = pooled(first, second);
  return permutationTest(
    [galaxiesOf(first), galaxiesOf(second)],
    (a, b) => distance(moments(values, width, a), moments(values, width, b)),
    options,
  );
}

function distance(a: Moments, b: Moments): number {
  const n = a.mean.length;
  // Σ₁ = L Lᵀ: the eigenvalues of Σ₁ Σ₂ are those of the symmetric Lᵀ Σ₂ L.
  const product = congruent(cholesky(a.covariance, n), b.covariance, n);
  let sum = 0;
  for (const value of symmetricEigenvalues(product, n)) sum -= 2 * Math.sqrt(Math.max(value, 0));
  for (let i = 0; i < n; i++) {
    sum += (a.mean[i] - b.mean[i]) ** 2 + a.covariance[i * n + i] + b.covariance[i * n + i];
  }
  return Math.max(sum, 0);
}
