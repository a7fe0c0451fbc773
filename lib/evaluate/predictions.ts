/**
 * What a classifier says of each galaxy: the one type that metrics and figures take, whoever made it.
 */
export interface Predictions {
  /** Names of the classes, in column order of `probabilities`. */
  readonly classNames: readonly string[];
  readonly ids: readonly string[];
  /** True class of each row, index into `classNames`. */
  readonly labels: Int32Array;
  /** Probability of each class, row-major `[rows, classes]`, each row summing to 1. */
  readonly probabilities: Float64Array;
}
