/** How two samples of one quantity differ. */
export interface KolmogorovSmirnov {
  /** Largest distance of their cumulative distributions, 0 to 1. */
  readonly statistic: number;
  /** Chance of at least that distance if both came from one distribution; good to some percent of itself. */
  readonly pValue: number;
}

/**
 * Kolmogorov's and Smirnov's test of two samples, two-sided; the p-value by Stephens' (1970) correction of
 * the limit of large samples.
 *
 * @param first Values; those that are not finite are left out.
 * @param second As many or not.
 */
export function kolmogorovSmirnov(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
): KolmogorovSmirnov {
  const sorted = (values: ArrayLike<number>) =>
    Float64Array.from(values).filter(Number.isFinite).sort();
  const [a, b] = [sorted(first), sorted(second)];
  let statistic = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const value = Math.min(a[i], b[j]);
    while (a[i] === value) i++;
    while (b[j] === value) j++;
    statistic = Math.max(statistic, Math.abs(i / a.length - j / b.length));
  }
  const root = Math.sqrt((a.length * b.length) / (a.length + b.length));
  const x = (root + 0.12 + 0.11 / root) * statistic;
  let tail = 0;
  for (let k = 1; k <= 100; k++) tail += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return { statistic, pValue: x < 0.2 ? 1 : Math.min(Math.max(tail, 0), 1) };
}
