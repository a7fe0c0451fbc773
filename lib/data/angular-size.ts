/** Part of matter in today's universe; the rest is a cosmological constant. */
const MATTER = 0.3;

/**
 * Angular diameter distance in a flat universe with Ωₘ = 0.3, in units of c / H₀ (Hogg 1999,
 * arXiv:astro-ph/9905116, equations 15 and 18), by Simpson's rule.
 *
 * @param redshift 0 or more.
 */
export function angularDistance(redshift: number): number {
  const steps = 200;
  const width = redshift / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight / Math.sqrt(MATTER * (1 + i * width) ** 3 + 1 - MATTER);
  }
  return (sum * width) / 3 / (1 + redshift);
}
