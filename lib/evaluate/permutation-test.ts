import { Random } from "../core/random";

/** How a statistic of two samples compares with those of samples that differ by chance alone. */
export interface PermutationTest {
  /** Of the two samples. */
  readonly statistic: number;
  /**
   * Chance of at least this statistic if both samples came from one distribution. It is never below
   * 1 / (1 + permutations).
   */
  readonly pValue: number;
  /** Statistics of the two samples mixed, one a permutation. */
  readonly permuted: Float64Array;
}

/** How often samples are mixed. */
export interface PermutationOptions {
  /** How often. Default 200. */
  readonly permutations?: number;
  /** Of the mixing. Default 0. */
  readonly seed?: number;
}

/**
 * Whether two samples differ: the statistic of them against that of the same galaxies dealt out anew
 * (Phipson & Smyth 2010, doi:10.2202/1544-6115.1585, for the p-value).
 *
 * @param sizes Galaxies of the first and of the second sample.
 * @param statistic Of the galaxies of two samples, numbered through both; the larger, the farther apart.
 */
export function permutationTest(
  [n, m]: readonly [first: number, second: number],
  statistic: (first: Uint32Array, second: Uint32Array) => number,
  { permutations = 200, seed = 0 }: PermutationOptions = {},
): PermutationTest {
  const of = (order: Uint32Array) => statistic(order.subarray(0, n), order.subarray(n));
  const own = of(Uint32Array.from({ length: n + m }, (_, i) => i));
  const random = new Random(seed, "permutation test");
  const permuted = Float64Array.from({ length: permutations }, () => of(random.permutation(n + m)));
  const reached = permuted.filter((value) => value >= own).length;
  return { statistic: own, pValue: (1 + reached) / (1 + permutations), permuted };
}
