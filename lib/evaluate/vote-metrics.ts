import { UserError } from "../core/errors";
import { questionRanges, reachChances } from "../data/decision-tree";
import { type BootstrapOptions, bootstrapInterval } from "./intervals";
import { type QuestionScores, questionScores } from "./question-scores";
import { rankCorrelation } from "./rank-correlation";
import { type Coverage, voteCoverage } from "./vote-coverage";
import { rowsWithVotes, selectVotes, type VotePredictions } from "./vote-predictions";
import { type RegressionScores, regressionScores } from "./votes";

/** How well fractions are predicted. */
export interface FractionScores extends RegressionScores {
  /** Spearman's rank correlation. */
  readonly spearman: number;
  /** Share of fractions that are on the right side of one half. */
  readonly roundedAccuracy: number;
  /** Mean absolute error of whoever says the mean of each answer about every galaxy. */
  readonly maeOfMean: number;
}

/** Bounds of a 95 % interval. */
export interface Bounds {
  /** Lower bound. */
  readonly low: number;
  /** Upper bound. */
  readonly high: number;
}

/** Every metric of predicted votes. */
export interface VoteMetrics extends FractionScores {
  /** Galaxies of which any vote is known. */
  readonly rows: number;
  /**
   * Mean over the answers of the correlation: that of all values together flatters, since answers differ
   * in how often they are given.
   */
  readonly meanAnswerCorrelation: number;
  /** `mae` by `maeOfMean`: below 1 where more is known than the mean. */
  readonly relativeMae: number;
  /**
   * Root of the mean squared error of the shares of everybody, all galaxies and answers weighed alike: a
   * fraction counts as much as the chance of reaching its question, and a question that nobody reached counts as
   * 0 for each answer. The Galaxy Zoo challenge on Kaggle (2013) scored its 37 answers by the same root
   * over such shares; its organizers made theirs beforehand, of votes and galaxies of their own choice, and here
   * they are multiplied down the tree: along the predicted fractions in the prediction, along the volunteers'
   * in the truth. So numbers can be set beside each other, and are not the challenge's to the digit.
   */
  readonly kaggleRmse: number;
  /** 95 % intervals by resampling galaxies (Efron 1979). */
  readonly intervals: Readonly<
    Record<"correlation" | "r2" | "mae" | "rmse" | "relativeMae", Bounds>
  >;
  /** How often votes lie in 50, 80 and 95 % intervals; null where no strengths are predicted. */
  readonly coverage: Coverage | null;
  /** Each answer. */
  readonly perAnswer: readonly (FractionScores & {
    /** Of the answer. */
    readonly name: string;
    /** As above, of this answer. */
    readonly coverage: Coverage | null;
  })[];
  /** Each question. */
  readonly perQuestion: readonly QuestionScores[];
}

/** The metrics that cost little: those that are monitored while training. */
export function quickVoteMetrics(table: VotePredictions): {
  readonly correlation: number;
  readonly mae: number;
  readonly rmse: number;
  readonly relativeMae: number;
} {
  const { correlation, mae, rmse } = regressionScores(table.truth, table.values);
  return { correlation, mae, rmse, relativeMae: mae / meanError(table, meanOfAnswers(table)) };
}

/** What {@link voteMetrics} can be told: how galaxies are resampled, by default 1000 times, 200 of more than 2,000. */
export interface VoteMetricsOptions extends BootstrapOptions {
  /** The intervals, where they are known already. Default: they are drawn. */
  readonly intervals?: VoteMetrics["intervals"];
}

/**
 * Every metric of a table of votes, of the galaxies of which any is known. Whoever says the mean says that
 * of these very galaxies: no network knows it so well.
 *
 * @throws UserError where no vote is known
 */
export function voteMetrics(
  all: VotePredictions,
  { intervals, ...options }: VoteMetricsOptions = {},
): VoteMetrics {
  const table = selectVotes(all, rowsWithVotes(all));
  if (table.ids.length === 0) {
    throw new UserError(
      "of none of the galaxies is known what volunteers said",
      "give the votes of these galaxies",
    );
  }
  const { answers, values, truth } = table;
  const k = answers.length;
  const means = meanOfAnswers(table);
  const column = (of: Float64Array, a: number) => of.filter((_, i) => i % k === a);
  const perAnswer = answers.map((name, a) => {
    const [t, p] = [column(truth, a), column(values, a)];
    const coverage = voteCoverage(table, a) ?? null;
    return { name, ...fractionScores(t, p, (_) => means[a]), coverage };
  });
  const correlations = perAnswer.map(({ correlation }) => correlation).filter(Number.isFinite);
  const scores = fractionScores(truth, values, (i) => means[i % k]);
  return {
    rows: table.ids.length,
    ...scores,
    meanAnswerCorrelation: correlations.reduce((a, b) => a + b, 0) / correlations.length,
    relativeMae: scores.mae / scores.maeOfMean,
    kaggleRmse: kaggleRmse(table),
    intervals: intervals ?? intervalsOf(table, means, options),
    coverage: voteCoverage(table) ?? null,
    perAnswer,
    perQuestion: questionScores(table),
  };
}

function fractionScores(
  truth: Float64Array,
  predicted: Float64Array,
  meanOf: (index: number) => number,
): FractionScores {
  let [right, away] = [0, 0];
  for (let i = 0; i < truth.length; i++) {
    if (Number.isNaN(truth[i])) continue;
    if (truth[i] >= 0.5 === predicted[i] >= 0.5) right++;
    away += Math.abs(truth[i] - meanOf(i));
  }
  const scores = regressionScores(truth, predicted);
  return {
    ...scores,
    spearman: rankCorrelation(truth, predicted),
    roundedAccuracy: right / scores.count,
    maeOfMean: away / scores.count,
  };
}

/** The mean fraction of each answer; NaN where nobody was asked. */
function meanOfAnswers({ truth, answers }: VotePredictions): Float64Array {
  const k = answers.length;
  const sums = new Float64Array(k);
  const counts = new Float64Array(k);
  for (const [i, value] of truth.entries()) {
    if (Number.isNaN(value)) continue;
    sums[i % k] += value;
    counts[i % k]++;
  }
  return sums.map((sum, a) => sum / counts[a]);
}

function meanError({ truth, answers }: VotePredictions, means: Float64Array): number {
  let [sum, count] = [0, 0];
  for (const [i, value] of truth.entries()) {
    if (Number.isNaN(value)) continue;
    sum += Math.abs(value - means[i % answers.length]);
    count++;
  }
  return sum / count;
}

/** Fractions times the chance of reaching their question: shares of everybody, `[rows, answers]`. */
export function gatedFractions(
  { questions, answers }: Pick<VotePredictions, "questions" | "answers">,
  fractions: Float64Array,
): Float64Array {
  const chances = reachChances(questions, fractions);
  const k = answers.length;
  const shares = new Float64Array(fractions.length);
  for (const [q, { from, to }] of questionRanges(questions).entries()) {
    for (let row = 0; row < fractions.length / k; row++) {
      for (let a = from; a < to; a++) {
        const share = fractions[row * k + a] * chances[row * questions.length + q];
        // Nobody gave an answer to a question that nobody reached.
        shares[row * k + a] = Number.isNaN(share) ? 0 : share;
      }
    }
  }
  return shares;
}

function kaggleRmse(table: VotePredictions): number {
  const truth = gatedFractions(table, table.truth);
  return regressionScores(truth, gatedFractions(table, table.values)).rmse;
}

/** What a galaxy adds to the sums of which the metrics are made. */
const SUMS = 8;

function intervalsOf(
  table: VotePredictions,
  means: Float64Array,
  options: BootstrapOptions,
): VoteMetrics["intervals"] {
  const { truth, values, answers, ids } = table;
  const k = answers.length;
  const sums = new Float64Array(ids.length * SUMS);
  for (const [i, t] of truth.entries()) {
    if (Number.isNaN(t)) continue;
    const p = values[i];
    const terms = [1, t, p, t * t, p * p, t * p, Math.abs(t - p), Math.abs(t - means[i % k])];
    const at = Math.floor(i / k) * SUMS;
    for (let s = 0; s < SUMS; s++) sums[at + s] += terms[s];
  }
  const statistics: Readonly<Record<keyof VoteMetrics["intervals"], (s: Float64Array) => number>> =
    {
      correlation: ([n, t, p, tt, pp, tp]) =>
        (n * tp - t * p) / Math.sqrt((n * tt - t * t) * (n * pp - p * p)),
      r2: ([n, t, , tt, pp, tp]) => 1 - (tt - 2 * tp + pp) / (tt - (t * t) / n),
      mae: ([n, , , , , , away]) => away / n,
      rmse: ([n, , , tt, pp, tp]) => Math.sqrt(Math.max(tt - 2 * tp + pp, 0) / n),
      relativeMae: ([, , , , , , away, ofMean]) => away / ofMean,
    };
  const samples = ids.length > 2000 ? 200 : 1000;
  const total = new Float64Array(SUMS);
  const bounds = Object.entries(statistics).map(([name, statistic]) => {
    const { low, high } = bootstrapInterval(
      ids.length,
      (rows) => {
        total.fill(0);
        for (let i = 0; i < rows.length; i++) {
          for (let s = 0, at = rows[i] * SUMS; s < SUMS; s++) total[s] += sums[at + s];
        }
        return statistic(total);
      },
      { samples, ...options },
    );
    return [name, { low, high }];
  });
  return Object.fromEntries(bounds);
}
