/**
 * Clip values to 0…1 and divide those of each group by their sum; where all are 0 each gets as much.
 *
 * @param values Row-major `[rows, width]`.
 * @param groups Columns of each group, from the first to the one after the last.
 * @returns another array
 */
export function sumToOne(
  values: Float64Array,
  width: number,
  groups: readonly { readonly from: number; readonly to: number }[],
): Float64Array {
  const result = values.map((value) => Math.min(Math.max(value, 0), 1));
  for (let row = 0; row < result.length; row += width) {
    for (const { from, to } of groups) {
      const own = result.subarray(row + from, row + to);
      const sum = own.reduce((a, b) => a + b, 0);
      own.forEach((value, i) => {
        own[i] = sum > 0 ? value / sum : 1 / own.length;
      });
    }
  }
  return result;
}
