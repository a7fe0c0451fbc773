import { logGamma } from "../core/log-gamma";

/**
 * Chances of 0 … n votes for an answer of concentration `alpha` whose question has `beta` besides: the
 * marginal of a Dirichlet-multinomial distribution.
 *
 * @param n Votes for the question, a whole number.
 * @returns float64 `[n + 1]`, summing to one
 */
export function betaBinomial(n: number, alpha: number, beta: number): Float64Array {
  const chances = new Float64Array(n + 1);
  // Logs: with a thousand votes the first of them is smaller than any number.
  let log =
    logGamma(n + beta) - logGamma(beta) + logGamma(alpha + beta) - logGamma(n + alpha + beta);
  for (let k = 0; k <= n; k++) {
    chances[k] = Math.exp(log);
    log += Math.log(((n - k) / (k + 1)) * ((k + alpha) / (n - k - 1 + beta)));
  }
  return chances;
}

/**
 * The smallest central interval of votes that holds at least this share of the chances.
 *
 * @param chances Of 0 … n votes.
 */
export function centralInterval(
  chances: Float64Array,
  level: number,
): { readonly low: number; readonly high: number } {
  const tail = (1 - level) / 2;
  let low = 0;
  for (let sum = chances[0]; sum < tail; sum += chances[low]) low++;
  let high = chances.length - 1;
  for (let sum = chances[high]; sum < tail; sum += chances[high]) high--;
  return { low, high: Math.max(low, high) };
}
