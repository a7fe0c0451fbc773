import { questionOfAnswers, questionRanges } from "../data/decision-tree";
import type { VotePredictions } from "../evaluate/vote-predictions";
import type { LossDefinition, LossOptions } from "./loss";

/** A loss of votes: one file, and one line in the list of the task. */
export interface VoteLoss<Options extends LossOptions = LossOptions>
  extends LossDefinition<Options> {
  /** The same loss of a table of answers whose votes are known: what a validation split is judged by. */
  ofTable(table: VotePredictions, options: Options): number;
}

/**
 * The mean of a function of a fraction and what it should be, over all that is known.
 *
 * @param weighted Whether each counts with the number of volunteers who were asked. Default: all the same.
 */
export function meanOverFractions(
  { truth, values, asked, questions, answers }: VotePredictions,
  of: (truth: number, predicted: number) => number,
  weighted = false,
): number {
  const k = answers.length;
  const questionOf = questionOfAnswers(questionRanges(questions));
  let [sum, weights] = [0, 0];
  for (const [i, t] of truth.entries()) {
    if (Number.isNaN(t)) continue;
    const own = Math.floor(i / k) * questions.length + questionOf[i % k];
    const weight = weighted ? (asked?.[own] ?? 1) : 1;
    sum += weight * of(t, values[i]);
    weights += weight;
  }
  return sum / weights;
}
