import { matchNames } from "../core/names";
import type { Dataset } from "../data/dataset";
import { type DecisionTree, questionRanges, treeAnswers } from "../data/decision-tree";

/**
 * What a data set knows of some galaxies, its answers and questions matched by name.
 *
 * @returns fractions `[rows, answers]`, NaN where nobody was asked, and where counts are known how many
 *   were asked `[rows, questions]`
 */
export function knownVotes(
  { votes }: Dataset,
  rows: ArrayLike<number>,
  questions: DecisionTree,
): { readonly truth: Float64Array; readonly asked?: Float64Array } {
  const answers = treeAnswers(questions);
  const [k, count] = [answers.length, questions.length];
  const truth = new Float64Array(rows.length * k).fill(Number.NaN);
  if (votes === undefined) return { truth };
  const columns = matchNames(answers, votes.answers);
  const names = questions.map(({ name }) => name);
  const places = matchNames(
    names,
    votes.questions.map(({ name }) => name),
  );
  const asked = votes.asked && new Float64Array(rows.length * count);
  // A question with an answer that the data set does not have is not the same question.
  const shared = [...questionRanges(questions).entries()].filter(
    ([, { from, to }]) => !columns.subarray(from, to).includes(-1),
  );
  for (let i = 0; i < rows.length; i++) {
    for (const [q, { from, to }] of shared) {
      for (let a = from; a < to; a++) {
        truth[i * k + a] = votes.fractions[rows[i] * votes.answers.length + columns[a]];
      }
      if (asked && votes.asked && places[q] >= 0) {
        asked[i * count + q] = votes.asked[rows[i] * votes.questions.length + places[q]];
      }
    }
  }
  return { truth, ...(asked && { asked }) };
}
