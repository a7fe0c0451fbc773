/**
 * The index of the largest value; of equal ones the first.
 *
 * @param from Index at which to begin. Default: 0.
 * @param length How many values to look at. Default: all that follow.
 * @returns index counted from `from`; values that are NaN are passed over
 */
export function argmax(values: ArrayLike<number>, from = 0, length = values.length - from): number {
  let best = 0;
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < length; i++) {
    const value = values[from + i];
    if (value > largest) {
      largest = value;
      best = i;
    }
  }
  return best;
}
