import { UserError } from "../core/errors";
import type { Predictions } from "./predictions";
import type { VoteFractions } from "./votes";

/**
 * Weights of an ensemble's members, summing to 1.
 *
 * @param scheme `equal`; `accuracy`: in proportion to each score; `inverse-mae`: to its reciprocal.
 * @param scores One a member: accuracy or mean absolute error, on validation rows.
 * @throws UserError where a score is not above 0.
 */
export function ensembleWeights(
  scheme: "equal" | "accuracy" | "inverse-mae",
  scores: readonly number[],
): number[] {
  if (scheme !== "equal" && !scores.every((score) => score > 0 && Number.isFinite(score)))
    throw new UserError(
      `The members' scores are ${scores.join(", ")}`,
      `Weighting by ${scheme} takes one number above 0 a member.`,
    );
  const raw = scores.map((score) =>
    scheme === "equal" ? 1 : scheme === "accuracy" ? score : 1 / score,
  );
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  return raw.map((weight) => weight / total);
}

interface Member {
  readonly names: readonly string[];
  readonly ids: readonly string[];
  readonly values: Float64Array;
}

/** The weighted mean of the members' values, rows matched by id in the first one's order. */
function weightedMean(members: readonly Member[], weights: readonly number[]): Float64Array {
  const [first] = members;
  if (members.length === 0 || weights.length !== members.length)
    throw new UserError(
      `${weights.length} weights for ${members.length} members`,
      "Give one weight a member, and at least one member.",
    );
  const k = first.names.length;
  const mean = new Float64Array(first.values.length);
  members.forEach((member, m) => {
    const where = `Member ${m + 1} of the ensemble`;
    if (member.names.join("\n") !== first.names.join("\n"))
      throw new UserError(
        `${where} has the columns ${member.names.join(", ")}, the first ${first.names.join(", ")}`,
        "All members must predict the same classes in the same order.",
      );
    const rowOf = new Map(member.ids.map((id, row) => [id, row]));
    first.ids.forEach((id, i) => {
      const row = rowOf.get(id);
      if (row === undefined)
        throw new UserError(`${where} lacks ${id}`, "All members must predict the same galaxies.");
      for (let c = 0; c < k; c++) mean[i * k + c] += weights[m] * member.values[row * k + c];
    });
  });
  return mean;
}

/** The weighted mean of several classifiers' probabilities. */
export function ensemblePredictions(
  members: readonly Predictions[],
  weights: readonly number[],
): Predictions {
  const tables = members.map(({ classNames, ids, probabilities }) => ({
    names: classNames,
    ids,
    values: probabilities,
  }));
  return { ...members[0], probabilities: weightedMean(tables, weights) };
}

/** The weighted mean of several models' vote fractions. */
export function ensembleVotes(
  members: readonly VoteFractions[],
  weights: readonly number[],
): VoteFractions {
  const tables = members.map(({ answers, ids, values }) => ({ names: answers, ids, values }));
  return { ...members[0], values: weightedMean(tables, weights) };
}
