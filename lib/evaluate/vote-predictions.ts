import { UserError } from "../core/errors";
import { type DecisionTree, treeAnswers } from "../data/decision-tree";
import type { VoteFractions } from "./votes";

/** What is said about the votes of galaxies, and where it is known what the volunteers said. */
export interface VotePredictions extends VoteFractions {
  /** The questions; `answers` are theirs, in order. */
  readonly questions: DecisionTree;
  /**
   * As many votes as the prediction is sure of: the sum of the concentrations of a Dirichlet
   * distribution `[rows, questions]`. Default: fractions only.
   */
  readonly strengths?: Float64Array;
  /** What the volunteers said, fractions `[rows, answers]`; NaN where nobody was asked. */
  readonly truth: Float64Array;
  /** How many were asked `[rows, questions]`; 0 where nobody was. Default: not known. */
  readonly asked?: Float64Array;
}

/**
 * A table of votes, checked.
 *
 * @param source Where it comes from, for messages.
 * @throws UserError naming galaxy and answer where a fraction is no number from 0 to 1, or a strength
 * not above 0
 */
export function createVotePredictions(
  columns: Omit<VotePredictions, "answers">,
  source: string,
): VotePredictions {
  const { questions, ids, values, strengths } = columns;
  const answers = treeAnswers(questions);
  const bad = values.findIndex((value) => !(value >= -1e-6 && value <= 1 + 1e-6));
  if (bad >= 0) {
    const id = ids[Math.floor(bad / answers.length)];
    throw new UserError(
      `${source}: ${answers[bad % answers.length]} of ${id} is ${values[bad]}; expected a fraction, 0–1`,
      "predict again in float32, or with an earlier checkpoint",
    );
  }
  const weak = strengths?.findIndex((value) => !(value > 0 && value < Number.POSITIVE_INFINITY));
  if (weak !== undefined && weak >= 0) {
    const id = ids[Math.floor(weak / questions.length)];
    throw new UserError(
      `${source}: the strength of ${questions[weak % questions.length].name} of ${id} is ${strengths?.[weak]}`,
      "give a number above 0",
    );
  }
  return { answers, ...columns };
}

/** Some rows of a table, in this order; repeats are allowed. */
export function selectVotes(table: VotePredictions, rows: ArrayLike<number>): VotePredictions {
  const take = (values: Float64Array, width: number) => {
    const taken = new Float64Array(rows.length * width);
    for (let i = 0; i < rows.length; i++) {
      taken.set(values.subarray(rows[i] * width, (rows[i] + 1) * width), i * width);
    }
    return taken;
  };
  const { answers, questions, strengths, asked } = table;
  return {
    ...table,
    ids: Array.from(rows, (row) => table.ids[row]),
    values: take(table.values, answers.length),
    truth: take(table.truth, answers.length),
    ...(strengths && { strengths: take(strengths, questions.length) }),
    ...(asked && { asked: take(asked, questions.length) }),
  };
}

/** Rows of which any vote is known. */
export function rowsWithVotes({ truth, ids, answers }: VotePredictions): Uint32Array {
  const k = answers.length;
  const rows = ids.map((_, row) => row);
  return Uint32Array.from(
    rows.filter((row) => !truth.subarray(row * k, (row + 1) * k).every(Number.isNaN)),
  );
}
