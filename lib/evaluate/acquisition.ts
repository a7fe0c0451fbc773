import { UserError } from "../core/errors";
import { type FeatureMatrix, galaxiesOf, squaredDistances } from "./feature-matrix";

/** The rows that a network is least sure of first: by the distance of the two likeliest answers. */
export function leastSure(probabilities: ArrayLike<number>, answers: number): number[] {
  const margins = Array.from({ length: probabilities.length / answers }, (_, row) => {
    const own = Array.from({ length: answers }, (_, a) => probabilities[row * answers + a]);
    const [first, second = 0] = own.sort((a, b) => b - a);
    return first - second;
  });
  return margins.map((_, row) => row).sort((a, b) => margins[a] - margins[b]);
}

/**
 * How much a label would tell about the network: the mutual information of answer and weights, BALD (Houlsby
 * et al. 2011, arXiv:1112.5745; by dropout Gal et al. 2017, arXiv:1703.02910). Large where each member is
 * sure and they contradict each other; small where all call a galaxy ambiguous.
 *
 * @param members Probabilities `[rows, answers]` of members of an ensemble, or of samples of dropout; two or
 * more.
 * @returns float64 `[rows]`, nats
 * @throws UserError for fewer members, or members of different length
 */
export function bald(members: readonly ArrayLike<number>[], answers: number): Float64Array {
  const [first] = members;
  if (members.length < 2 || members.some(({ length }) => length !== first.length)) {
    throw new UserError(
      `there are ${members.length} sets of probabilities of ${members.map(({ length }) => length).join(", ")} values`,
      "give two or more about the same galaxies: of an ensemble, or of several dropoutSeeds",
    );
  }
  const entropy = (p: number) => (p > 0 ? -p * Math.log(p) : 0);
  return Float64Array.from({ length: first.length / answers }, (_, row) => {
    let information = 0;
    for (let at = row * answers; at < (row + 1) * answers; at++) {
      let mean = 0;
      for (const member of members) {
        mean += member[at] / members.length;
        information -= entropy(member[at]) / members.length;
      }
      information += entropy(mean);
    }
    return Math.max(information, 0);
  });
}

/**
 * Galaxies that stand for all: one after the other, each the farthest in features from those chosen before
 * (greedy k-center, Sener & Savarese 2018, arXiv:1708.00489).
 *
 * @param count How many.
 * @param chosen Rows that are labeled already. Default: none, and the first is the one farthest from the
 * mean of all.
 * @returns rows in the order of choice
 */
export function kCenter(
  features: FeatureMatrix,
  count: number,
  chosen: ArrayLike<number> = [],
): Uint32Array {
  const { values, width } = features;
  const n = galaxiesOf(features);
  const of = (rows: ArrayLike<number>): FeatureMatrix => {
    const own = new Float64Array(rows.length * width);
    for (let i = 0; i < own.length; i++) {
      own[i] = values[rows[Math.floor(i / width)] * width + (i % width)];
    }
    return { values: own, width };
  };
  const mean = new Float64Array(width);
  for (let i = 0; i < values.length; i++) mean[i % width] += values[i] / n;
  const start = chosen.length > 0 ? of(chosen) : { values: mean, width };
  const m = galaxiesOf(start);
  const toStart = squaredDistances(features, start);
  const nearest = Float64Array.from({ length: n }, (_, row) =>
    toStart.subarray(row * m, (row + 1) * m).reduce((a, b) => Math.min(a, b)),
  );
  for (let i = 0; i < chosen.length; i++) nearest[chosen[i]] = -1;
  const picked: number[] = [];
  while (picked.length < Math.min(count, n - chosen.length)) {
    const next = nearest.indexOf(nearest.reduce((a, b) => Math.max(a, b)));
    picked.push(next);
    const distances = squaredDistances(features, of([next]));
    // The distance to the mean said only which one comes first.
    const begins = picked.length === 1 && chosen.length === 0;
    for (let row = 0; row < n; row++) {
      const nearer = begins ? distances[row] : Math.min(nearest[row], distances[row]);
      if (nearest[row] >= 0) nearest[row] = nearer;
    }
    nearest[next] = -1;
  }
  return Uint32Array.from(picked);
}
