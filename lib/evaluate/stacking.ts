import { UserError } from "../core/errors";
import { questionRanges } from "../data/decision-tree";
import { ensembleVotes } from "./ensemble";
import type { VotePredictions } from "./vote-predictions";

/** How much each member counts for each question, each question's weights summing to one. */
export interface StackingWeights {
  /** Name of a question → a weight a member. */
  readonly [question: string]: readonly number[];
}

/**
 * Stacked regression (Breiman 1996): for each question the weights, not negative and of sum one, whose mean
 * has the least squared error. Fractions of a question still sum to one.
 *
 * @param members Predictions of validation galaxies with their truth; the same galaxies in the same order.
 * @throws UserError where the members differ in their galaxies or answers
 */
export function fitStacking(members: readonly VotePredictions[]): StackingWeights {
  const [first] = members;
  checkMembers(members);
  const k = first.answers.length;
  const weights = questionRanges(first.questions).map(({ question, from, to }) => {
    const cells: number[] = [];
    for (let at = 0; at < first.truth.length; at++) {
      const column = at % k;
      if (column >= from && column < to && !Number.isNaN(first.truth[at])) cells.push(at);
    }
    const gram = members.map((a) =>
      members.map((b) => cells.reduce((sum, at) => sum + a.values[at] * b.values[at], 0)),
    );
    const target = members.map((a) =>
      cells.reduce((sum, at) => sum + a.values[at] * first.truth[at], 0),
    );
    return [question.name, simplexLeastSquares(gram, target)] as const;
  });
  return Object.fromEntries(weights);
}

/** The members' mean by the weights of each question. @throws UserError as {@link fitStacking} */
export function stackVotes(
  members: readonly VotePredictions[],
  weights: StackingWeights,
): VotePredictions {
  const [first] = members;
  const k = first.answers.length;
  const values = new Float64Array(first.values.length);
  for (const { question, from, to } of questionRanges(first.questions)) {
    const mean = ensembleVotes(members, weights[question.name]).values;
    for (let at = 0; at < values.length; at++) {
      if (at % k >= from && at % k < to) values[at] = mean[at];
    }
  }
  const { strengths: _, ...others } = first;
  return { ...others, values };
}

function checkMembers(members: readonly VotePredictions[]): void {
  const [first] = members;
  const same = (a: readonly string[], b: readonly string[]) => a.join("\n") === b.join("\n");
  const other = members.findIndex(
    ({ ids, answers }) => !same(ids, first.ids) || !same(answers, first.answers),
  );
  if (members.length > 0 && other < 0) return;
  throw new UserError(
    members.length === 0
      ? "there is nothing to stack"
      : `member ${other + 1} has other galaxies or answers than the first`,
    "Predict the same validation galaxies with each.",
  );
}

/** The w ≥ 0 of sum one with the least wᵀGw − 2cᵀw, by projected gradients. */
function simplexLeastSquares(gram: readonly number[][], target: readonly number[]): number[] {
  let weights = target.map(() => 1 / target.length);
  const trace = gram.reduce((sum, row, i) => sum + row[i], 0);
  if (trace === 0) return weights;
  // Accelerated (Nesterov 1983): members are alike, and plain steps would crawl.
  let ahead = weights;
  for (let step = 0; step < 5000; step++) {
    const from = ahead;
    const next = projectOnSimplex(
      from.map(
        (w, i) => w - (gram[i].reduce((sum, g, j) => sum + g * from[j], 0) - target[i]) / trace,
      ),
    );
    const moved = next.reduce((sum, w, i) => sum + Math.abs(w - weights[i]), 0);
    const momentum = step / (step + 3);
    ahead = next.map((w, i) => w + momentum * (w - weights[i]));
    weights = next;
    if (moved < 1e-14 && step > 100) break;
  }
  return weights;
}

/** The nearest point with coordinates ≥ 0 of sum one (Held, Wolfe & Crowder 1974). */
function projectOnSimplex(point: readonly number[]): number[] {
  const sorted = [...point].sort((a, b) => b - a);
  let [sum, shift] = [0, 0];
  for (const [i, value] of sorted.entries()) {
    sum += value;
    const candidate = (sum - 1) / (i + 1);
    if (value > candidate) shift = candidate;
  }
  return point.map((value) => Math.max(value - shift, 0));
}
