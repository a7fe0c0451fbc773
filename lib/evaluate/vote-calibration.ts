import { UserError } from "../core/errors";
import { questionOfAnswers, questionRanges } from "../data/decision-tree";
import { questionLikelihood } from "./vote-coverage";
import type { VotePredictions } from "./vote-predictions";

/** Factors and temperatures that are looked at. */
const [LEAST, MOST] = [0.02, 50];

/**
 * The factor of each question's strengths under which the votes are most probable: above 1 where a network
 * was surer than it thought. Fit it on validation galaxies, apply it to others by {@link atConcentrations}.
 *
 * @returns one a question, 0.02 … 50; 1 where nobody was asked
 * @throws UserError where the table has no strengths, or does not know how many were asked
 */
export function fitConcentrations(table: VotePredictions): Float64Array {
  const { strengths, asked, questions } = table;
  if (strengths === undefined || asked === undefined) {
    throw new UserError(
      `concentrations need ${strengths === undefined ? "strengths" : "the numbers of those who were asked"}, which the table does not have`,
      "learn counts by train.loss.name dirichletMultinomial",
    );
  }
  return Float64Array.from(questions, (_, q) => {
    const voters = asked.some((n, i) => i % questions.length === q && n > 0);
    return voters ? least((factor) => questionLikelihood(table, q, factor)) : 1;
  });
}

/**
 * The same predictions, surer or less sure by a factor a question; fractions stay.
 *
 * @throws UserError where there is another number of factors than of questions
 */
export function atConcentrations(
  table: VotePredictions,
  factors: ArrayLike<number>,
): VotePredictions {
  const { strengths, questions } = table;
  if (strengths === undefined || factors.length !== questions.length) {
    throw new UserError(
      `there are ${factors.length} factors for ${strengths === undefined ? "a table without strengths" : `${questions.length} questions`}`,
      "take those that were fitted on predictions of the same model",
    );
  }
  return { ...table, strengths: strengths.map((s, i) => s * factors[i % questions.length]) };
}

/**
 * The temperature at which the fractions make the votes most probable (Guo et al. 2017, there for classes):
 * above 1 where they were too extreme. Fit it on validation galaxies.
 *
 * @returns T, 0.02 … 50
 */
export function fitVoteTemperature(table: VotePredictions): number {
  const { truth, asked, questions, answers } = table;
  const questionOf = questionOfAnswers(questionRanges(questions));
  const k = answers.length;
  return least((temperature) => {
    const { values } = atVoteTemperature(table, temperature);
    let sum = 0;
    for (const [i, t] of truth.entries()) {
      const own = Math.floor(i / k) * questions.length + questionOf[i % k];
      if (t > 0) sum -= t * (asked?.[own] ?? 1) * Math.log(Math.max(values[i], 1e-30));
    }
    return sum;
  });
}

/**
 * Fractions at another temperature: f^(1/T), each question's summing to one.
 *
 * @throws UserError where the temperature is no number above 0
 */
export function atVoteTemperature(table: VotePredictions, temperature: number): VotePredictions {
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new UserError(`the temperature is ${temperature}`, "give a number above 0");
  }
  const k = table.answers.length;
  const values = table.values.map((f) => Math.max(f, 1e-30) ** (1 / temperature));
  for (const { from, to } of questionRanges(table.questions)) {
    for (let at = from; at < values.length; at += k) {
      const own = values.subarray(at, at + to - from);
      const sum = own.reduce((a, b) => a + b, 0);
      for (let i = 0; i < own.length; i++) own[i] /= sum;
    }
  }
  return { ...table, values };
}

/** Where a function of a positive number with one valley is least: golden-section search of its logarithm. */
function least(of: (x: number) => number): number {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(LEAST), Math.log(MOST)];
  let [a, b] = [high - golden * (high - low), low + golden * (high - low)];
  let [fa, fb] = [of(Math.exp(a)), of(Math.exp(b))];
  while (high - low > 1e-4) {
    if (fa < fb) {
      [high, b, fb] = [b, a, fa];
      a = high - golden * (high - low);
      fa = of(Math.exp(a));
    } else {
      [low, a, fa] = [a, b, fb];
      b = low + golden * (high - low);
      fb = of(Math.exp(b));
    }
  }
  return Math.exp((low + high) / 2);
}
