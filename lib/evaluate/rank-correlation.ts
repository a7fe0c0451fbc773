/**
 * Spearman's rank correlation of pairs; equal values share the mean of their ranks. Pairs with a NaN are
 * left out.
 *
 * @returns NaN where one side is constant
 */
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const rows: number[] = [];
  for (let i = 0; i < a.length; i++) if (!Number.isNaN(a[i]) && !Number.isNaN(b[i])) rows.push(i);
  const [x, y] = [ranks(rows.map((row) => a[row])), ranks(rows.map((row) => b[row]))];
  // Ranks have the same mean on both sides, whatever the ties.
  const mean = (rows.length - 1) / 2;
  let [xx, yy, xy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    xx += (x[i] - mean) ** 2;
    yy += (y[i] - mean) ** 2;
    xy += (x[i] - mean) * (y[i] - mean);
  }
  return xy / Math.sqrt(xx * yy);
}

/** The rank of each value from 0. */
function ranks(values: readonly number[]): Float64Array {
  const order = Uint32Array.from(values, (_, i) => i).sort((i, j) => values[i] - values[j]);
  const result = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let i = from; i < to; i++) result[order[i]] = (from + to - 1) / 2;
    from = to;
  }
  return result;
}
