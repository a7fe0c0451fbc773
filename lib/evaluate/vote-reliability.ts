import { questionRanges } from "../data/decision-tree";
import type { VotePredictions } from "./vote-predictions";

/** Galaxies to which one answer is predicted about equally often, and how often it was given. */
export interface VoteReliabilityBin {
  /** Predicted fractions from here … */
  readonly low: number;
  /** … to here. */
  readonly high: number;
  /** Galaxies whose volunteers were asked. */
  readonly count: number;
  /** Mean of the predicted fractions; NaN without galaxies. */
  readonly predicted: number;
  /** Mean of the volunteers' fractions, each galaxy weighing as much as its voters; NaN without galaxies. */
  readonly voted: number;
  /** Standard error of that mean. */
  readonly error: number;
}

/** How far the fractions predicted for one answer can be taken at their word. */
export interface AnswerReliability {
  /** The answer. */
  readonly answer: string;
  /** Bins of equal width, 0 to 1. */
  readonly bins: readonly VoteReliabilityBin[];
  /** Mean |voted − predicted| over the bins, weighted by their galaxies: the expected calibration error. */
  readonly calibrationError: number;
}

/**
 * Reliability of predicted vote fractions, answer by answer: of galaxies of which 30 % is predicted,
 * do 30 % of the volunteers say so?
 *
 * @param bins How many. Default 10.
 */
export function voteReliability(table: VotePredictions, bins = 10): AnswerReliability[] {
  const { questions, answers, values, truth, asked, ids } = table;
  const k = answers.length;
  return questionRanges(questions).flatMap(({ from, to }, q) =>
    answers.slice(from, to).map((answer, i): AnswerReliability => {
      const members: number[][] = Array.from({ length: bins }, () => []);
      for (let row = 0; row < ids.length; row++) {
        const at = row * k + from + i;
        if (Number.isNaN(truth[at])) continue;
        members[Math.min(Math.floor(values[at] * bins), bins - 1)].push(row);
      }
      const filled = members.map((rows, bin): VoteReliabilityBin => {
        const voters = (row: number) => asked?.[row * questions.length + q] ?? 1;
        const total = rows.reduce((sum, row) => sum + voters(row), 0);
        const mean = (of: Float64Array) =>
          rows.reduce((sum, row) => sum + (voters(row) / total) * of[row * k + from + i], 0);
        const [predicted, voted] =
          total > 0 ? [mean(values), mean(truth)] : [Number.NaN, Number.NaN];
        const squares = rows.reduce(
          (sum, row) => sum + ((voters(row) / total) * (truth[row * k + from + i] - voted)) ** 2,
          0,
        );
        return {
          ...{ low: bin / bins, high: (bin + 1) / bins, count: rows.length },
          ...{ predicted, voted, error: Math.sqrt(squares) },
        };
      });
      const known = filled.filter(({ count }) => count > 0);
      const total = known.reduce((sum, { count }) => sum + count, 0);
      const gap = known.reduce(
        (sum, { count, predicted, voted }) => sum + count * Math.abs(voted - predicted),
        0,
      );
      return { answer, bins: filled, calibrationError: gap / total };
    }),
  );
}
