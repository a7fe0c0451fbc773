import { UserError } from "../core/errors";
import { labeledPredictions, type Predictions, probabilitiesOf } from "./predictions";

/**
 * How unlikely a class must be to be left out of a set:
 * - `threshold`: by its probability alone (Sadinle et al. 2019, arXiv:1609.00451); the smallest sets.
 * - `adaptive`: by the probability of all classes before it, most probable class first (after Romano et
 *   al. 2020, arXiv:2006.02544, without randomization); larger sets for hard galaxies, none empty.
 */
export type ConformalScore = "threshold" | "adaptive";

/** What decides which classes stay in a set. */
export interface Conformal {
  /** Share of galaxies whose true class was to be in their set, 0…1. */
  readonly coverage: number;
  /** How classes are scored. */
  readonly score: ConformalScore;
  /** The largest score that stays in a set; infinite where the rows were too few to leave anything out. */
  readonly limit: number;
}

/**
 * Split conformal prediction (Vovk et al. 2005; Angelopoulos & Bates 2021, arXiv:2107.07511): fit on
 * validation rows, which were not trained on, how far down the list of classes one must go for the
 * true one to be among them as often as asked. New galaxies like those keep the promise, whatever the
 * network; galaxies of another survey need not.
 *
 * @param coverage Share of galaxies, 0…1.
 * @param score Default `threshold`.
 * @throws UserError for another coverage, a table without probabilities, or without a known class
 */
export function fitConformal(
  predictions: Predictions,
  coverage: number,
  score: ConformalScore = "threshold",
): Conformal {
  return { coverage, score, limit: limitOf(trueScores(predictions, score), coverage) };
}

/** Scores of the true classes, the lowest first. */
function trueScores(predictions: Predictions, score: ConformalScore): Float64Array {
  const known = labeledPredictions(predictions);
  const k = known.classNames.length;
  const scores = conformalScores(known, score);
  return Float64Array.from(known.labels, (label, row) => scores[row * k + label]).sort();
}

/** The score that as large a share of the true classes do not exceed, those of one more galaxy included. */
function limitOf(ascending: Float64Array, coverage: number): number {
  if (!(coverage > 0 && coverage < 1))
    throw new UserError(
      `The coverage is ${coverage}`,
      "Give a share between 0 and 1, such as 0.9.",
    );
  const rank = Math.ceil((ascending.length + 1) * coverage);
  return ascending[rank - 1] ?? Number.POSITIVE_INFINITY;
}

/**
 * The classes that each galaxy may have.
 *
 * @returns 1 where the class is in the set, 0 where not, row-major `[rows, classes]`
 * @throws UserError where the table has no probabilities
 */
export function predictionSets(predictions: Predictions, { score, limit }: Conformal): Uint8Array {
  return setsWithin(conformalScores(predictions, score), limit);
}

const setsWithin = (scores: Float64Array, limit: number) =>
  Uint8Array.from(scores, (value) => (value <= limit ? 1 : 0));

/** How sets turn out on galaxies whose class is known. */
export interface SetScores {
  /** Share of galaxies whose true class is in their set. */
  readonly coverage: number;
  /** The same for each class; NaN for a class without a galaxy. */
  readonly perClass: readonly number[];
  /** Mean number of classes in a set. */
  readonly meanSize: number;
  /** How many sets have 0, 1, 2, … classes. */
  readonly sizes: readonly number[];
}

/**
 * @param sets What {@link predictionSets} gave for this table.
 * @throws UserError where no row has a known class
 */
export function scoreSets(predictions: Predictions, sets: Uint8Array): SetScores {
  const { classNames, labels } = predictions;
  const k = classNames.length;
  labeledPredictions(predictions);
  const covered = new Float64Array(k);
  const count = new Float64Array(k);
  const sizes = new Array<number>(k + 1).fill(0);
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row];
    if (label < 0) continue;
    count[label]++;
    covered[label] += sets[row * k + label];
    sizes[sets.subarray(row * k, row * k + k).reduce((a, b) => a + b, 0)]++;
  }
  const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
  const rows = sum(count);
  return {
    coverage: sum(covered) / rows,
    perClass: Array.from(covered, (n, c) => n / count[c]),
    meanSize: sum(sizes.map((n, size) => n * size)) / rows,
    sizes,
  };
}

/** What sets of one coverage turned out to hold. */
export interface CoverageRow extends SetScores {
  /** The coverage that was asked for, 0…1. */
  readonly asked: number;
}

/**
 * Coverage and size of sets over the coverages that one may ask for.
 *
 * @param validation Rows that the limits are fitted on.
 * @param test Rows that the sets are scored on.
 * @param options `score`: default `threshold`. `asked`: coverages, default 0.5, 0.55, … 0.95, 0.99.
 * @throws UserError as {@link fitConformal}
 */
export function coverageTable(
  validation: Predictions,
  test: Predictions,
  options: { readonly score?: ConformalScore; readonly asked?: readonly number[] } = {},
): CoverageRow[] {
  const asked = options.asked ?? [
    ...Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100),
    0.99,
  ];
  const { score = "threshold" } = options;
  const [known, scores] = [trueScores(validation, score), conformalScores(test, score)];
  return asked.map((coverage) => {
    const sets = setsWithin(scores, limitOf(known, coverage));
    return { asked: coverage, ...scoreSets(test, sets) };
  });
}

/** Score of each class of each row, `[rows, classes]`: the higher, the less it belongs in the set. */
function conformalScores(predictions: Predictions, score: ConformalScore): Float64Array {
  const k = predictions.classNames.length;
  const probabilities = probabilitiesOf(predictions, "Conformal prediction");
  if (score === "threshold") return probabilities.map((p) => 1 - p);
  const scores = new Float64Array(probabilities.length);
  const order = Array.from({ length: k }, (_, c) => c);
  for (let at = 0; at < scores.length; at += k) {
    order.sort((a, b) => probabilities[at + b] - probabilities[at + a] || a - b);
    let sum = 0;
    for (const c of order) {
      scores[at + c] = sum;
      sum += probabilities[at + c];
    }
  }
  return scores;
}
