import { UserError } from "../core/errors";
import { questionOfAnswers, questionRanges } from "../data/decision-tree";
import type { VotePredictions } from "./vote-predictions";

/** How uncertain each fraction is, and why; variances `[rows, answers]`. */
export interface VoteUncertainty {
  /** Of the network: how far members or samples differ; more data to learn from would make it less. */
  readonly epistemic: Float64Array;
  /**
   * Of the galaxy: the mean variance that the members themselves expect; no data would make it less. 0
   * where they say fractions only.
   */
  readonly aleatoric: Float64Array;
  /** Their sum. */
  readonly total: Float64Array;
}

/**
 * Split the uncertainty of predicted votes by the law of total variance (Depeweg et al. 2018,
 * arXiv:1710.07283).
 *
 * @param members Of an ensemble, or samples of one network by Monte Carlo dropout: predictions about the
 * same galaxies, in the same order. At least two.
 * @throws UserError where there are fewer, or they are about other galaxies or answers
 */
export function splitUncertainty(members: readonly VotePredictions[]): VoteUncertainty {
  const [first] = members;
  if (members.length < 2) {
    throw new UserError(
      `there are ${members.length} predictions to compare`,
      "give those of several networks, or of several dropoutSeeds",
    );
  }
  const same = (a: readonly string[], b: readonly string[]) => a.join("\n") === b.join("\n");
  const other = members.findIndex(
    ({ ids, answers }) => !same(ids, first.ids) || !same(answers, first.answers),
  );
  if (other >= 0) {
    throw new UserError(
      `predictions 1 and ${other + 1} are about other galaxies or answers`,
      "predict the same rows with models of the same questions",
    );
  }
  const { questions, answers } = first;
  const questionOf = questionOfAnswers(questionRanges(questions));
  const k = answers.length;
  const mean = (of: (member: VotePredictions, i: number) => number, i: number) =>
    members.reduce((sum, member) => sum + of(member, i), 0) / members.length;
  const epistemic = first.values.map((_, i) => {
    const center = mean(({ values }) => values[i], i);
    return mean(({ values }) => (values[i] - center) ** 2, i);
  });
  // The variance of a Dirichlet distribution's fraction.
  const own = ({ values, strengths }: VotePredictions, i: number) => {
    if (strengths === undefined) return 0;
    const strength = strengths[Math.floor(i / k) * questions.length + questionOf[i % k]];
    return (values[i] * (1 - values[i])) / (strength + 1);
  };
  const aleatoric = first.values.map((_, i) => mean(own, i));
  return { epistemic, aleatoric, total: epistemic.map((value, i) => value + aleatoric[i]) };
}
