import { logGamma } from "../core/log-gamma";
import { questionRanges } from "../data/decision-tree";
import { betaBinomial } from "./beta-binomial";
import type { VotePredictions } from "./vote-predictions";

/** Shares of the votes that lie in the intervals of each level, by the level in percent. */
export type Coverage = Readonly<Record<"50" | "80" | "95", number>>;

const LEVELS = { "50": 0.5, "80": 0.8, "95": 0.95 } as const;

/**
 * How often the votes lie in central intervals of the predicted Dirichlet-multinomial distribution; a
 * calibrated network has 50, 80 and 95 %.
 *
 * Votes are whole numbers: no interval of them holds exactly 80 %. So each vote counts with the share of
 * its own chance that lies inside the level's quantiles (Czado et al. 2009, doi:10.1111/j.1541-0420.2009.01191.x).
 *
 * @param column Of which answer. Default: of all.
 * @returns undefined where the table has no strengths, or does not know how many were asked
 */
export function voteCoverage(table: VotePredictions, column?: number): Coverage | undefined {
  const { strengths, asked, values, truth, questions, answers, ids } = table;
  if (strengths === undefined || asked === undefined) return undefined;
  const inside = { "50": 0, "80": 0, "95": 0 };
  let count = 0;
  for (const [q, { from, to }] of questionRanges(questions).entries()) {
    for (let row = 0; row < ids.length; row++) {
      const n = Math.round(asked[row * questions.length + q]);
      const strength = strengths[row * questions.length + q];
      for (let a = from; a < to; a++) {
        const at = row * answers.length + a;
        if (n === 0 || Number.isNaN(truth[at]) || (column ?? a) !== a) continue;
        const k = Math.min(n, Math.round(truth[at] * n));
        const alpha = Math.max(values[at] * strength, 1e-6);
        const chances = betaBinomial(n, alpha, Math.max(strength - alpha, 1e-6));
        let below = 0;
        for (let i = 0; i < k; i++) below += chances[i];
        count++;
        for (const [name, level] of Object.entries(LEVELS) as ["50" | "80" | "95", number][]) {
          const low = Math.max(below, (1 - level) / 2);
          const high = Math.min(below + chances[k], (1 + level) / 2);
          if (chances[k] > 0) inside[name] += Math.max(high - low, 0) / chances[k];
        }
      }
    }
  }
  if (count === 0) return undefined;
  return { "50": inside[50] / count, "80": inside[80] / count, "95": inside[95] / count };
}

/**
 * How improbable the votes are under the predicted Dirichlet-multinomial distribution: nats a galaxy,
 * summed over its questions.
 *
 * @returns NaN where the table has no strengths, or does not know how many were asked
 */
export function voteLikelihood(table: VotePredictions): number {
  return table.questions.reduce((sum, _, q) => sum + questionLikelihood(table, q), 0);
}

/**
 * The same of one question.
 *
 * @param q Which question, an index.
 * @param factor By which its strengths are multiplied. Default 1.
 */
export function questionLikelihood(table: VotePredictions, q: number, factor = 1): number {
  const { strengths, asked, values, truth, questions, answers, ids } = table;
  if (strengths === undefined || asked === undefined) return Number.NaN;
  const { from, to } = questionRanges(questions)[q];
  let sum = 0;
  for (let row = 0; row < ids.length; row++) {
    const n = asked[row * questions.length + q];
    const strength = factor * strengths[row * questions.length + q];
    let total = 0;
    let log = 0;
    for (let a = from; a < to; a++) {
      const at = row * answers.length + a;
      const votes = truth[at] * n;
      if (!(n > 0) || Number.isNaN(votes)) continue;
      const alpha = Math.max(values[at] * strength, 1e-6);
      total += votes;
      log += logGamma(votes + alpha) - logGamma(alpha) - logGamma(votes + 1);
    }
    if (total === 0) continue;
    log += logGamma(total + 1) + logGamma(strength) - logGamma(strength + total);
    sum -= log;
  }
  return sum / ids.length;
}
