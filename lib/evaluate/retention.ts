/** How good what is kept is, where the least certain is set aside for people. */
export interface Retention {
  /** Share of the galaxies that is kept. */
  readonly kept: number;
  /** Mean of the values of those that are kept. */
  readonly value: number;
}

/**
 * A mean over the galaxies that a network is surest of, against how many those are (accuracy-rejection
 * curve, Nadeem et al. 2010, PMLR 8, 65).
 *
 * @param uncertainties One a galaxy.
 * @param values One a galaxy: 1 where it is right and 0 where not, an error, …
 * @param kept Shares to keep, above 0 and up to 1. Default 0.1, 0.2, … 1.
 */
export function retention(
  uncertainties: ArrayLike<number>,
  values: ArrayLike<number>,
  kept: readonly number[] = Array.from({ length: 10 }, (_, i) => (i + 1) / 10),
): Retention[] {
  const order = Uint32Array.from({ length: values.length }, (_, row) => row).sort(
    (a, b) => uncertainties[a] - uncertainties[b] || a - b,
  );
  return kept.map((share) => {
    const count = Math.max(1, Math.round(share * order.length));
    let sum = 0;
    for (let i = 0; i < count; i++) sum += values[order[i]];
    return { kept: share, value: sum / count };
  });
}
