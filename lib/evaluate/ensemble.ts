import { UserError } from "../core/errors";
import { idKey } from "../core/ids";
import { matchNames } from "../core/names";
import { createPredictions, type Predictions, probabilitiesOf } from "./predictions";
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

/**
 * The weighted mean of the members' values; rows matched by id and columns by name, in the order of
 * the first.
 */
function weightedMean(members: readonly Member[], weights: readonly number[]): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (members.length === 0 || weights.length !== members.length)
    throw new UserError(
      `${weights.length} weights for ${members.length} members`,
      "Give one weight a member, and at least one member.",
    );
  if (!(weights.every((weight) => weight >= 0) && total > 0 && Number.isFinite(total)))
    throw new UserError(
      `The weights of the ensemble are ${weights.join(", ")}`,
      "Give numbers from 0 up, of which at least one is above 0.",
    );
  const [first] = members;
  const k = first.names.length;
  const mean = new Float64Array(first.values.length);
  members.forEach((member, m) => {
    const where = `Member ${m + 1} of the ensemble`;
    const columns = matchNames(first.names, member.names);
    if (columns.includes(-1) || member.names.length !== k)
      throw new UserError(
        `${where} has the columns ${member.names.join(", ")}, the first ${first.names.join(", ")}`,
        "All members must predict the same classes.",
      );
    const rowOf = new Map(member.ids.map((id, row) => [idKey(id), row]));
    first.ids.forEach((id, i) => {
      const row = rowOf.get(idKey(id));
      if (row === undefined)
        throw new UserError(`${where} lacks ${id}`, "All members must predict the same galaxies.");
      for (let c = 0; c < k; c++)
        mean[i * k + c] += (weights[m] / total) * member.values[row * k + columns[c]];
    });
  });
  return mean;
}

/**
 * The weighted mean of several classifiers' probabilities: the first one's rows, with labels that any member
 * knows.
 *
 * @param weights One a member, from 0 up; they are divided by their sum.
 * @throws UserError where members have other classes, lack rows or differ in a label, or weights have no
 *   positive sum.
 */
export function ensemblePredictions(
  members: readonly Predictions[],
  weights: readonly number[],
): Predictions {
  const tables = members.map((member, m) => ({
    names: member.classNames,
    ids: member.ids,
    values: probabilitiesOf(member, `Member ${m + 1} of the ensemble`),
  }));
  const probabilities = weightedMean(tables, weights);
  const { classNames, ids } = members[0];
  const labels = commonLabels(members);
  return createPredictions({ classNames, ids, labels, probabilities }, "The ensemble");
}

/** The label of each of the first one's rows; −1 where no member knows it. */
function commonLabels(members: readonly Predictions[]): Int32Array {
  const [{ classNames, ids, labels: known }] = members;
  const labels = Int32Array.from(known);
  for (const [m, member] of members.entries()) {
    const classOf = matchNames(member.classNames, classNames);
    const labelOf = new Map(member.ids.map((id, row) => [idKey(id), member.labels[row]]));
    for (const [row, id] of ids.entries()) {
      const theirs = labelOf.get(idKey(id)) ?? -1;
      if (theirs < 0) continue;
      if (labels[row] < 0) labels[row] = classOf[theirs];
      else if (labels[row] !== classOf[theirs])
        throw new UserError(
          `${id}: the true class is ${classNames[labels[row]]} in one prediction table, and ${member.classNames[theirs]} in that of member ${m + 1}`,
          "Put together predictions with the same truth.",
        );
    }
  }
  return labels;
}

/**
 * The weighted mean of several models' vote fractions.
 *
 * @param weights One a member, from 0 up; they are divided by their sum.
 * @throws UserError where members have other answers or lack rows, or weights have no positive sum.
 */
export function ensembleVotes(
  members: readonly VoteFractions[],
  weights: readonly number[],
): VoteFractions {
  const tables = members.map(({ answers, ids, values }) => ({ names: answers, ids, values }));
  return { ...members[0], values: weightedMean(tables, weights) };
}
