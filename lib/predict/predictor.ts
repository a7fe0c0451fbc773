import type { Dataset } from "../data/dataset";
import type { PredictionTable, Task } from "../tasks/task";
import type { PassOptions } from "./answers";

/** What a network sees in each galaxy just before it answers: an embedding. */
export interface Features {
  /** Galaxy of each row. */
  readonly ids: readonly string[];
  /** float32 `[rows, width]`, row-major. */
  readonly values: Float32Array;
  /** Features of each galaxy. */
  readonly width: number;
}

/** Whatever answers a task: a network, an ensemble, boosted trees. */
export interface Predictor<Table extends PredictionTable = PredictionTable> {
  /** What it answers, and what its answers are called. */
  readonly task: Task<Table>;
  /**
   * The answers about some galaxies. Labels are not needed; where they are known the table has them.
   *
   * @param rows Row numbers. Default: all.
   * @throws UserError when an answer is not finite, or the images have the wrong size; whatever the
   * signal was aborted with
   */
  predict(dataset: Dataset, rows?: ArrayLike<number>, options?: PassOptions): Promise<Table>;
  /**
   * The features of some galaxies.
   *
   * @param rows Row numbers. Default: all.
   * @throws UserError where this kind of predictor has none
   */
  features(dataset: Dataset, rows?: ArrayLike<number>, options?: PassOptions): Promise<Features>;
  /** Free what it holds; a network that was given to it stays. */
  dispose(): void;
}

/** The number of every row of a data set. */
export function everyRow(dataset: Dataset): Uint32Array {
  return Uint32Array.from({ length: dataset.size }, (_, row) => row);
}
