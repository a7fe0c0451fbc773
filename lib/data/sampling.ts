import { UserError } from "../core/errors";
import type { Random } from "../core/random";

/** How {@link balancedRows} makes all groups equally large. */
export type Balancing = "undersample" | "oversample";

/** The ways in which {@link epochOrder} draws. */
export const SAMPLINGS = ["natural", "square-root", "balanced"] as const;

/** One of {@link SAMPLINGS}. */
export type Sampling = (typeof SAMPLINGS)[number];

/**
 * The rows of each group.
 *
 * @param strata Group of every row of the data set: its class, or a question's leading answer; −1 for
 * a row of none, which is left out.
 * @param rows The rows to be grouped.
 * @returns Rows by group, in the order of the groups' numbers.
 */
export function rowsByStratum(
  strata: ArrayLike<number>,
  rows: ArrayLike<number>,
): Map<number, Uint32Array> {
  const sizes = new Map<number, number>();
  for (let i = 0; i < rows.length; i++) {
    const stratum = strata[rows[i]];
    if (stratum >= 0) sizes.set(stratum, (sizes.get(stratum) ?? 0) + 1);
  }
  const ordered = [...sizes].sort(([a], [b]) => a - b);
  const groups = new Map(ordered.map(([stratum, size]) => [stratum, new Uint32Array(size)]));
  const filled = new Map<number, number>();
  for (let i = 0; i < rows.length; i++) {
    const at = filled.get(strata[rows[i]]) ?? 0;
    const group = groups.get(strata[rows[i]]);
    if (group === undefined) continue;
    group[at] = rows[i];
    filled.set(strata[rows[i]], at + 1);
  }
  return groups;
}

/**
 * Rows with the same number of each group.
 *
 * `undersample` draws as many of each as the rarest has, `oversample` repeats rows until each group has
 * as many as the commonest: whole passes over a group, so that no row comes twice more than another.
 *
 * @param strata Group of every row of the data set; rows of −1 are left out.
 * @param rows The rows to draw from.
 * @returns Rows in random order.
 */
export function balancedRows(
  strata: ArrayLike<number>,
  rows: ArrayLike<number>,
  how: Balancing,
  random: Random,
): Uint32Array {
  const groups = [...rowsByStratum(strata, rows).values()];
  let each = groups.length === 0 ? 0 : groups[0].length;
  for (const { length } of groups) {
    each = how === "undersample" ? Math.min(each, length) : Math.max(each, length);
  }
  return drawEach(groups, () => each, random);
}

/**
 * The order in which an epoch goes through the training rows.
 *
 * `natural` draws from all rows, `balanced` each group equally often, `square-root` as often as the root of its number of rows says
 * (Mahajan et al. 2018, arXiv:1805.00932): whole passes over the rows, or over a group, in random order, one after another, so that no
 * galaxy is drawn twice before every other was drawn once more.
 *
 * @param strata Group of every row of the data set; all but `natural` leave out rows of −1.
 * @param rows The training rows.
 * @param length How many are drawn, if there are any. Default: as many as there are.
 */
export function epochOrder(
  strata: ArrayLike<number>,
  rows: ArrayLike<number>,
  sampling: Sampling,
  random: Random,
  length: number = rows.length,
): Uint32Array {
  if (sampling === "natural") {
    if (rows.length === 0) return new Uint32Array();
    return inPasses(Uint32Array.from(rows), length, random);
  }
  const groups = [...rowsByStratum(strata, rows).values()];
  const weigh = (rowsOf: Uint32Array) => (sampling === "balanced" ? 1 : Math.sqrt(rowsOf.length));
  const sum = groups.reduce((total, group) => total + weigh(group), 0);
  // A whole number that was rounded up is no reason for one more.
  const each = (group: Uint32Array) => Math.ceil((length * weigh(group)) / sum - 1e-9);
  return drawEach(groups, each, random).subarray(0, length);
}

/** So many rows, in passes over them, each in random order. */
function inPasses(rows: Uint32Array, length: number, random: Random): Uint32Array {
  const drawn = new Uint32Array(length);
  for (let at = 0; at < length; at += rows.length) {
    const pass = random.permutation(rows.length).subarray(0, length - at);
    drawn.set(
      pass.map((i) => rows[i]),
      at,
    );
  }
  return drawn;
}

/** So many rows of each group, in passes over it, and all of them in random order. */
function drawEach(
  groups: readonly Uint32Array[],
  each: (group: Uint32Array) => number,
  random: Random,
): Uint32Array {
  const drawn = new Uint32Array(groups.reduce((sum, group) => sum + each(group), 0));
  let at = 0;
  for (const group of groups) {
    drawn.set(inPasses(group, each(group), random), at);
    at += each(group);
  }
  return random.permutation(drawn.length).map((i) => drawn[i]);
}

/** How {@link strataWeights} weighs strata. */
export type StrataWeighting = "inverse" | "effective";

/**
 * Weight of each stratum (class) in a loss, with a mean of 1 over the rows.
 *
 * `inverse` is one over the class's number of rows; `effective` one over its effective number
 * (1 − βⁿ) / (1 − β), which grows ever more slowly with n.
 *
 * @param strata Stratum of every row of the data set, 0 to `numStrata` − 1.
 * @param rows The training rows.
 * @param numStrata Number of strata; one without rows gets the weight 0.
 * @param beta Of the effective number, in [0, 1); by default (n − 1) / n for n rows, as in the paper.
 * @see Cui et al. 2019, arXiv:1901.05555
 */
export function strataWeights(
  strata: ArrayLike<number>,
  rows: ArrayLike<number>,
  numStrata: number,
  weighting: StrataWeighting,
  beta = 1 - 1 / rows.length,
): Float64Array {
  if (!(beta >= 0 && beta < 1)) {
    throw new UserError(`beta is ${beta}; expected 0 ≤ beta < 1.`, "Give for example 0.999.");
  }
  const counts = new Float64Array(numStrata);
  for (let i = 0; i < rows.length; i++) counts[strata[rows[i]]]++;
  const raw = counts.map((n) => {
    if (n === 0) return 0;
    return weighting === "inverse" ? 1 / n : (1 - beta) / (1 - beta ** n);
  });
  const mean = raw.reduce((sum, weight, c) => sum + weight * counts[c], 0) / rows.length;
  return raw.map((weight) => weight / mean);
}
