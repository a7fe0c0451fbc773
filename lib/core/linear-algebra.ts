/** Mean of each column and the covariance of columns. */
export interface Moments {
  /** float64 `[width]`. */
  readonly mean: Float64Array;
  /** float64 `[width, width]`, symmetric; divided by rows − 1. */
  readonly covariance: Float64Array;
}

/**
 * Mean and covariance of some rows of a matrix.
 *
 * @param values `[rows, width]`, row-major.
 * @param rows Row numbers. Default: all.
 */
export function moments(
  values: ArrayLike<number>,
  width: number,
  rows: ArrayLike<number> = Uint32Array.from({ length: values.length / width }, (_, row) => row),
): Moments {
  const n = rows.length;
  const mean = new Float64Array(width);
  for (let i = 0; i < n; i++) {
    for (let f = 0; f < width; f++) mean[f] += values[rows[i] * width + f] / n;
  }
  const covariance = new Float64Array(width * width);
  const own = new Float64Array(width);
  for (let i = 0; i < n; i++) {
    for (let f = 0; f < width; f++) own[f] = values[rows[i] * width + f] - mean[f];
    for (let f = 0; f < width; f++) {
      const factor = own[f] / (n - 1);
      if (factor === 0) continue;
      for (let g = 0; g <= f; g++) covariance[f * width + g] += factor * own[g];
    }
  }
  for (let f = 0; f < width; f++) {
    for (let g = 0; g < f; g++) covariance[g * width + f] = covariance[f * width + g];
  }
  return { mean, covariance };
}

/**
 * The lower triangle L of a symmetric matrix without negative eigenvalues, L Lᵀ being the matrix
 * (Cholesky's). Directions without variance get a column of zeros.
 *
 * @param matrix `[n, n]`, row-major.
 * @returns float64 `[n, n]`, zeros above the diagonal
 */
export function cholesky(matrix: ArrayLike<number>, n: number): Float64Array {
  const lower = new Float64Array(n * n);
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, matrix[i * n + i]);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j];
      for (let k = 0; k < j; k++) sum -= lower[i * n + k] * lower[j * n + k];
      if (i === j) lower[i * n + i] = sum > 1e-13 * largest ? Math.sqrt(sum) : 0;
      else lower[i * n + j] = lower[j * n + j] === 0 ? 0 : sum / lower[j * n + j];
    }
  }
  return lower;
}

/** The squared length of x where L x = y: yᵀ M⁻¹ y, L being {@link cholesky} of an invertible M. */
export function inverseSquare(lower: Float64Array, y: ArrayLike<number>): number {
  const n = y.length;
  const x = new Float64Array(n);
  let square = 0;
  for (let i = 0; i < n; i++) {
    let sum = y[i];
    for (let k = 0; k < i; k++) sum -= lower[i * n + k] * x[k];
    x[i] = sum / lower[i * n + i];
    square += x[i] * x[i];
  }
  return square;
}

/** Lᵀ S L for a lower triangle and a symmetric matrix, both `[n, n]`. */
export function congruent(lower: Float64Array, symmetric: Float64Array, n: number): Float64Array {
  const right = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const s = symmetric[i * n + k];
      if (s === 0) continue;
      for (let j = 0; j <= k; j++) right[i * n + j] += s * lower[k * n + j];
    }
  }
  const out = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    for (let i = 0; i <= k; i++) {
      const l = lower[k * n + i];
      if (l === 0) continue;
      for (let j = 0; j < n; j++) out[i * n + j] += l * right[k * n + j];
    }
  }
  return out;
}

/**
 * The eigenvalues of a symmetric matrix, in no order: Householder's reduction to three diagonals, then
 * QL with implicit shifts (Wilkinson & Reinsch 1971, contributions II/2 and II/3).
 *
 * @param symmetric `[n, n]`, row-major; only its lower triangle is read.
 */
export function symmetricEigenvalues(symmetric: ArrayLike<number>, n: number): Float64Array {
  const a = Float64Array.from(symmetric);
  const beside = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) reflect(a, beside, i, n);
  const diagonal = Float64Array.from({ length: n }, (_, i) => a[i * n + i]);
  beside.copyWithin(0, 1);
  beside[n - 1] = 0;
  for (let l = 0; l < n; l++) {
    for (;;) {
      let m = l;
      while (m < n - 1) {
        const size = Math.abs(diagonal[m]) + Math.abs(diagonal[m + 1]);
        if (Math.abs(beside[m]) <= Number.EPSILON * size) break;
        m++;
      }
      if (m === l) break;
      rotate(diagonal, beside, l, m);
    }
  }
  return diagonal;
}

/** One of Householder's reflections: row `i` becomes zero left of its neighbor of the diagonal. */
function reflect(a: Float64Array, beside: Float64Array, i: number, n: number): void {
  const row = a.subarray(i * n, i * n + i);
  const last = i - 1;
  const scale = row.reduce((sum, value) => sum + Math.abs(value), 0);
  if (last === 0 || scale === 0) {
    beside[i] = row[last];
    return;
  }
  let h = 0;
  for (let k = 0; k <= last; k++) {
    row[k] /= scale;
    h += row[k] * row[k];
  }
  const g = row[last] >= 0 ? -Math.sqrt(h) : Math.sqrt(h);
  beside[i] = scale * g;
  h -= row[last] * g;
  row[last] -= g;
  let f = 0;
  for (let j = 0; j <= last; j++) {
    let sum = 0;
    for (let k = 0; k <= j; k++) sum += a[j * n + k] * row[k];
    for (let k = j + 1; k <= last; k++) sum += a[k * n + j] * row[k];
    beside[j] = sum / h;
    f += beside[j] * row[j];
  }
  const half = f / (2 * h);
  for (let j = 0; j <= last; j++) {
    beside[j] -= half * row[j];
    for (let k = 0; k <= j; k++) a[j * n + k] -= row[j] * beside[k] + beside[j] * row[k];
  }
}

/** One sweep of QL from `m` down to `l`. */
function rotate(d: Float64Array, e: Float64Array, l: number, m: number): void {
  let g = (d[l + 1] - d[l]) / (2 * e[l]);
  let r = Math.hypot(g, 1);
  g = d[m] - d[l] + e[l] / (g + (g >= 0 ? r : -r));
  let [s, c, p] = [1, 1, 0];
  for (let i = m - 1; i >= l; i--) {
    const f = s * e[i];
    const b = c * e[i];
    r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] -= p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    r = (d[i] - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
  }
  d[l] -= p;
  e[l] = g;
  e[m] = 0;
}
