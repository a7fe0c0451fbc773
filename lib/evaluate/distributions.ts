const INVERSE_SQRT_2PI = 0.3989422804014327;

/** From here on the tail has a continued fraction that ends soon. */
const TAIL = 3;

/** Terms of it; at {@link TAIL} the last digit stands after 80. */
const TERMS = 100;

/**
 * Φ(z), the standard normal distribution: Marsaglia's (2004) series in the middle, Laplace's continued fraction for the tails
 * (Abramowitz & Stegun 26.2.14), so that small probabilities are good to 13 digits, too. 0 below −38.5.
 */
export function normalCdf(z: number): number {
  if (z > TAIL) return 1 - normalCdf(-z);
  if (z < -TAIL) {
    let below = -z;
    for (let i = TERMS; i > 0; i--) below = -z + i / below;
    return (Math.exp((-z * z) / 2) * INVERSE_SQRT_2PI) / below;
  }
  let term = z;
  let sum = z;
  for (let i = 3; Math.abs(term) > 1e-17 * Math.abs(sum); i += 2) {
    term *= (z * z) / i;
    sum += term;
  }
  return 0.5 + sum * Math.exp((-z * z) / 2) * INVERSE_SQRT_2PI;
}

/**
 * The chance of a standard normal number at least as far from 0 as `z`, on either side; 1 for `z` < 0. Never 0: below 1e-308
 * it is the least number there is.
 */
export function twoSidedPValue(z: number): number {
  return Math.min(Math.max(2 * normalCdf(-z), Number.MIN_VALUE), 1);
}

/**
 * Student's t distribution with a whole number of degrees of freedom, by its finite series
 * (Abramowitz & Stegun 26.7.3–4).
 */
export function studentCdf(t: number, freedom: number): number {
  const angle = Math.atan2(t, Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = freedom % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let i = odd ? 3 : 2; i < freedom - 1; i += 2) {
    term *= cosine * cosine * ((i - 1) / i);
    sum += term;
  }
  const both = odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
  return (1 + both) / 2;
}

function quantile(cdf: (x: number) => number, p: number, reach: number): number {
  let [low, high] = [-reach, reach];
  for (let i = 0; i < 200 && high - low > 1e-15 * Math.max(1, Math.abs(low)); i++) {
    const middle = (low + high) / 2;
    if (cdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The z with Φ(z) = `p`. */
export function normalQuantile(p: number): number {
  return quantile(normalCdf, p, 8);
}

/** The t below which Student's distribution holds `p`. */
export function studentQuantile(p: number, freedom: number): number {
  return quantile((t) => studentCdf(t, freedom), p, 1e6);
}
