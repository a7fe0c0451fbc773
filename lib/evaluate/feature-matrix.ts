import { UserError } from "../core/errors";

/** Some numbers about each galaxy: what a network sees in it, or its logits. */
export interface FeatureMatrix {
  /** `[galaxies, width]`, row-major. */
  readonly values: ArrayLike<number>;
  /** Numbers a galaxy. */
  readonly width: number;
}

/** Number of galaxies. */
export function galaxiesOf({ values, width }: FeatureMatrix): number {
  return values.length / width;
}

/** A number about each galaxy, float64, by what the matrix says of it. */
export function byGalaxy(
  matrix: FeatureMatrix,
  find: (own: readonly number[]) => number,
): Float64Array {
  const { values, width } = matrix;
  return Float64Array.from({ length: galaxiesOf(matrix) }, (_, row) =>
    find(Array.from({ length: width }, (_, f) => values[row * width + f])),
  );
}

/**
 * The galaxies of one matrix and after them those of the other.
 *
 * @throws UserError where the two have not the same width
 */
export function pooled(first: FeatureMatrix, second: FeatureMatrix): FeatureMatrix {
  if (first.width !== second.width) {
    throw new UserError(
      `the features of the two samples have ${first.width} and ${second.width} numbers a galaxy`,
      "take the features of one network for both",
    );
  }
  const values = new Float64Array(first.values.length + second.values.length);
  values.set(Float64Array.from(first.values));
  values.set(Float64Array.from(second.values), first.values.length);
  return { values, width: first.width };
}

/** Squared distances of the rows of one matrix to those of another, float64 `[first, second]`. */
export function squaredDistances(first: FeatureMatrix, second: FeatureMatrix): Float64Array {
  const { width } = first;
  const [n, m] = [galaxiesOf(first), galaxiesOf(second)];
  const [a, b] = [Float64Array.from(first.values), Float64Array.from(second.values)];
  const out = new Float64Array(n * m);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      let sum = 0;
      for (let f = 0; f < width; f++) {
        const difference = a[i * width + f] - b[j * width + f];
        sum += difference * difference;
      }
      out[i * m + j] = sum;
    }
  }
  return out;
}

/** Some rows of `[rows, width]`. */
export function matrixRows(
  all: Float32Array,
  rows: ArrayLike<number>,
  width: number,
): Float32Array {
  const out = new Float32Array(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    out.set(all.subarray(rows[i] * width, (rows[i] + 1) * width), i * width);
  }
  return out;
}
