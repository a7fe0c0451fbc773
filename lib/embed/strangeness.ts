import { UserError } from "../core/errors";
import type { Detector } from "../evaluate/detectors/detector";
import { isolationForest } from "../evaluate/detectors/isolation-forest";
import { type FeatureMatrix, galaxiesOf, matrixRows } from "../evaluate/feature-matrix";
import { sortedQuantile } from "../evaluate/intervals";

/** How {@link strangeness} looks at galaxies. */
export interface StrangenessOptions {
  /** What tells strange ones. Default: the isolation forest. */
  readonly detector?: Detector;
  /**
   * Class of each galaxy: each is then compared with those of its own class, in units of how much these
   * differ; those of a class of fewer than 20 with all. Default: all with all.
   */
  readonly labels?: ArrayLike<number>;
}

/** Galaxies of a class that say what is usual in it; those of smaller ones are compared with all. */
const LEAST = 20;

/**
 * How unlike the others each galaxy is.
 *
 * @returns the higher the stranger, float64, one a galaxy; in no unit, or with labels in robust standard
 * deviations from the class's median
 * @throws UserError where the detector needs more than features
 */
export function strangeness(
  features: FeatureMatrix,
  { detector = isolationForest, labels }: StrangenessOptions = {},
): Float64Array {
  const { width } = features;
  const all = Float32Array.from(features.values);
  const everyone = Array.from({ length: galaxiesOf(features) }, (_, row) => row);
  const out = new Float64Array(everyone.length);
  const compare = (rows: readonly number[], own: readonly number[]) => {
    const seenRows = (some: readonly number[]) => ({
      features: { values: matrixRows(all, some, width), width },
    });
    const score = detector.fit(seenRows(rows));
    const usual = score(seenRows(rows));
    const scores = own === rows ? usual : score(seenRows(own));
    const center = labels ? median(usual) : 0;
    // The median absolute deviation of a normal distribution is 0.6745 standard deviations.
    const spread = labels ? median(usual.map((s) => Math.abs(s - center))) / 0.6745 || 1 : 1;
    for (const [i, row] of own.entries()) out[row] = (scores[i] - center) / spread;
  };
  if (labels === undefined) {
    compare(everyone, everyone);
    return out;
  }
  for (const one of new Set(Array.from(labels))) {
    const own = everyone.filter((row) => labels[row] === one);
    compare(own.length < LEAST ? everyone : own, own);
  }
  return out;
}

const median = (values: Float64Array) => sortedQuantile(values.slice().sort(), 0.5);

/** Rows of the highest scores, the highest first. */
export function strangest(scores: ArrayLike<number>, count: number): number[] {
  const rows = Array.from(scores, (_, row) => row);
  return rows.sort((a, b) => scores[b] - scores[a]).slice(0, count);
}

/** Best rating that a person can give. */
export const BEST_RATING = 5;
/** Rated galaxies that say what a person would think of one. */
const NEAREST = 5;

/**
 * Rank strange galaxies again after a person has rated some: those like what was found boring fall, where
 * nothing was rated the scores stay (Lochner & Bassett 2021, arXiv:2010.11202, section 3.5). What a person
 * would think of the others is the mean of the five nearest ratings, weighted by 1 / distance, in the place of
 * their random forest.
 *
 * @param scores Of {@link strangeness}.
 * @param ratings Row → 0 (boring) to 5 (wanted).
 * @param alpha How fast trust in ratings falls with distance. Default 1.
 * @returns float64, the higher the more worth a look; comparable with each other only
 * @throws UserError for a rating out of this range or of no galaxy
 */
export function rankAgain(
  features: FeatureMatrix,
  scores: ArrayLike<number>,
  ratings: ReadonlyMap<number, number>,
  alpha = 1,
): Float64Array {
  const { values, width } = features;
  const rows = galaxiesOf(features);
  for (const [row, rating] of ratings) {
    if (row in scores && rating >= 0 && rating <= BEST_RATING) continue;
    throw new UserError(
      `row ${row} is rated ${rating}; expected one of ${rows} rows and 0 to ${BEST_RATING}`,
      "correct the rating",
    );
  }
  const list = Array.from(scores);
  const low = list.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = list.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const scaled = Float64Array.from(list, (s) => (high > low ? (s - low) / (high - low) : 0));
  if (ratings.size === 0) return scaled;
  const rated = [...ratings];
  const nearest = new Float64Array(rows);
  const expected = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const found = rated
      .map(([other, rating]) => {
        let square = 0;
        for (let f = 0; f < width; f++) {
          square += (values[row * width + f] - values[other * width + f]) ** 2;
        }
        return { distance: Math.sqrt(square), rating };
      })
      .sort((a, b) => a.distance - b.distance)
      .slice(0, NEAREST);
    nearest[row] = found[0].distance;
    const weights = found.map(({ distance }) => 1 / (distance + 1e-9));
    const total = weights.reduce((a, b) => a + b, 0);
    expected[row] = found.reduce((sum, { rating }, i) => sum + rating * weights[i], 0) / total;
  }
  const mean = nearest.reduce((a, b) => a + b, 0) / rows || 1;
  return scaled.map((score, row) => {
    const trust = Math.exp((alpha * nearest[row]) / mean) - 1;
    const liking = Math.atanh(0.1 + (0.85 * expected[row]) / BEST_RATING);
    return score * Math.tanh(trust + liking);
  });
}

/** What a person who rates galaxies has found. */
export interface RatingRound {
  /** Galaxies rated so far. */
  readonly rated: number;
  /** Wanted ones among the first 100 of the ranking. */
  readonly inTop: number;
}

/** What comes of {@link simulateRating}. */
export interface SimulatedRating {
  /** One entry before any rating, and one a round. */
  readonly rounds: readonly RatingRound[];
  /** Scores of the last ranking, one a galaxy. */
  readonly scores: Float64Array;
}

/** How {@link simulateRating} goes on. */
export interface SimulateRatingOptions {
  /** Rounds after the first ranking. Default 5. */
  readonly rounds?: number;
  /** Galaxies rated in each, the first of the ranking that are not rated. Default 10. */
  readonly perRound?: number;
  /** How many of the ranking are counted. Default 100. */
  readonly top?: number;
}

/**
 * Let a person who knows what is wanted rate the first of the ranking, rank again, and so on.
 *
 * @param isWanted Of a row: whether the person looks for such ones.
 */
export function simulateRating(
  features: FeatureMatrix,
  scores: ArrayLike<number>,
  isWanted: (row: number) => boolean,
  { rounds = 5, perRound = 10, top = 100 }: SimulateRatingOptions = {},
): SimulatedRating {
  const ratings = new Map<number, number>();
  const out: RatingRound[] = [];
  for (let round = 0; ; round++) {
    const ranked = rankAgain(features, scores, ratings);
    out.push({ rated: ratings.size, inTop: strangest(ranked, top).filter(isWanted).length });
    if (round === rounds) return { rounds: out, scores: ranked };
    const open = strangest(ranked, ranked.length).filter((row) => !ratings.has(row));
    for (const row of open.slice(0, perRound)) ratings.set(row, isWanted(row) ? BEST_RATING : 0);
  }
}
