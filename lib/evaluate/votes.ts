import { UserError } from "../core/errors";
import { idKey, rowsById } from "../core/ids";
import { matchNames } from "../core/names";

/** A value of each galaxy for each answer: predicted, or counted from volunteers' votes. */
export interface VoteFractions {
  /** Names of the answers, in column order of `values`. */
  readonly answers: readonly string[];
  /** Galaxy of each row. */
  readonly ids: readonly string[];
  /** Fractions, 0 to 1, row-major `[rows, answers]`; NaN where nobody was asked. */
  readonly values: Float64Array;
}

/** How well one answer's vote fractions are predicted. */
export interface RegressionScores {
  /** Galaxies with a true fraction. */
  readonly count: number;
  /** Coefficient of determination, 1 − residual / total variance; NaN where the truth is constant. */
  readonly r2: number;
  /** Pearson's correlation. */
  readonly correlation: number;
  /** Mean absolute error. */
  readonly mae: number;
  /** Root of the mean squared error. */
  readonly rmse: number;
}

/** Pairs of true and predicted values → scores; pairs with a NaN are left out. */
export function regressionScores(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
): RegressionScores {
  let count = 0;
  let meanTruth = 0;
  let meanPredicted = 0;
  let absolute = 0;
  let squared = 0;
  let truthSquares = 0;
  let predictedSquares = 0;
  let products = 0;
  for (let i = 0; i < truth.length; i++) {
    const [t, p] = [truth[i], predicted[i]];
    if (Number.isNaN(t) || Number.isNaN(p)) continue;
    // Welford's (1962) running moments keep their digits.
    count++;
    const [dt, dp] = [t - meanTruth, p - meanPredicted];
    meanTruth += dt / count;
    meanPredicted += dp / count;
    truthSquares += dt * (t - meanTruth);
    predictedSquares += dp * (p - meanPredicted);
    products += dt * (p - meanPredicted);
    absolute += Math.abs(t - p);
    squared += (t - p) ** 2;
  }
  return {
    count,
    r2: truthSquares === 0 ? Number.NaN : 1 - squared / truthSquares,
    correlation: products / Math.sqrt(truthSquares * predictedSquares),
    mae: absolute / count,
    rmse: Math.sqrt(squared / count),
  };
}

/**
 * The rows and answers of `truth` in the order of `predicted`, matched by id and by name.
 *
 * @returns row-major `[rows, answers]`, NaN where the truth has no such row
 * @throws UserError where the truth lacks an answer, or all of the galaxies, or has one twice
 */
export function alignVotes(predicted: VoteFractions, truth: VoteFractions): Float64Array {
  const columns = Array.from(matchNames(predicted.answers, truth.answers));
  const missing = predicted.answers.filter((_, i) => columns[i] < 0);
  if (missing.length > 0)
    throw new UserError(
      `The true vote fractions lack the answers ${missing.join(", ")}`,
      `They have ${truth.answers.join(", ")}.`,
    );
  const rowOf = rowsById(truth.ids, "The true vote fractions");
  if (!predicted.ids.some((id) => rowOf.has(idKey(id))))
    throw new UserError(
      `None of the predicted ids ("${predicted.ids[0]}" …) has true vote fractions ("${truth.ids[0]}" …)`,
      "Give the votes of the same galaxies.",
    );
  const k = columns.length;
  const values = new Float64Array(predicted.values.length);
  predicted.ids.forEach((id, i) => {
    const row = rowOf.get(idKey(id));
    columns.forEach((column, a) => {
      values[i * k + a] =
        row === undefined ? Number.NaN : truth.values[row * truth.answers.length + column];
    });
  });
  return values;
}
