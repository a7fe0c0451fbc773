import { UserError } from "../core/errors";

/** What the features of a network's own galaxies are like, so that a picture of something else can be told. */
export interface Familiarity {
  /** Mean of each feature. */
  readonly mean: readonly number[];
  /** Standard deviation of each feature, above 0. */
  readonly deviation: readonly number[];
  /** {@link strangeness} that few of the own galaxies exceed. */
  readonly limit: number;
}

/** Of the own galaxies, the share that is called strange. */
const SHARE = 0.01;

/**
 * Learn what is familiar from galaxies that the network did not learn from.
 *
 * @param features `[galaxies, width]`, row-major, as `Predictor.features` gives them.
 * @throws UserError for fewer than 20 galaxies
 */
export function fitFamiliarity(features: ArrayLike<number>, width: number): Familiarity {
  const rows = features.length / width;
  if (!(rows >= 20)) {
    throw new UserError(
      `${rows || 0} galaxies do not show what is familiar to a network`,
      "give at least 20 that it did not learn from",
    );
  }
  const mean = new Array<number>(width).fill(0);
  const square = new Array<number>(width).fill(0);
  for (let i = 0; i < features.length; i++) mean[i % width] += features[i] / rows;
  for (let i = 0; i < features.length; i++) {
    square[i % width] += (features[i] - mean[i % width]) ** 2 / rows;
  }
  // A feature that never changes would make the smallest difference infinitely strange.
  const typical = square.reduce((sum, value) => sum + value, 0) / width;
  const deviation = square.map((value) => Math.sqrt(value + 0.01 * typical + 1e-12));
  const own = strangeness(features, { mean, deviation }).sort();
  return { mean, deviation, limit: own[Math.ceil((1 - SHARE) * rows) - 1] };
}

/**
 * How far pictures are from what is familiar: the mean over features of the squared distance in
 * standard deviations, a Mahalanobis distance with a diagonal covariance (Lee et al. 2018,
 * arXiv:1807.03888). About 1 for a network's own galaxies.
 *
 * @param features `[pictures, width]`, row-major.
 * @returns float64 `[pictures]`
 */
export function strangeness(
  features: ArrayLike<number>,
  { mean, deviation }: Pick<Familiarity, "mean" | "deviation">,
): Float64Array {
  const width = mean.length;
  const out = new Float64Array(features.length / width);
  for (let i = 0; i < features.length; i++) {
    const at = i % width;
    out[Math.floor(i / width)] += ((features[i] - mean[at]) / deviation[at]) ** 2 / width;
  }
  return out;
}
