import type * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../data/dataset";
import type { TaskDescription } from "../models/description";

/** What every table of predictions has, whatever was asked. */
export interface PredictionTable {
  /** Galaxy of each row. */
  readonly ids: readonly string[];
}

/** Metrics as `metrics.json` keeps them: numbers, null where one is not defined, and nested tables. */
export type Metrics = Readonly<Record<string, unknown>>;

/** Computes one number to be minimized: logits `[batch, numLogits]`, targets `[batch, targetWidth]` → scalar. */
export type Loss = (logits: tf.Tensor2D, targets: tf.Tensor2D) => tf.Scalar;

/** The galaxies that are learned from. */
export interface TrainingRows {
  readonly dataset: Dataset;
  readonly rows: ArrayLike<number>;
}

/**
 * What a network is asked: everything that a kind of target decides. Whoever trains, predicts,
 * tracks or compares knows this interface alone.
 */
export interface Task<Table extends PredictionTable = PredictionTable> {
  /** Plain JSON, enough to make this task again; a saved model carries it. */
  readonly description: TaskDescription;
  /** Names of the outputs, in column order of the prediction table. */
  readonly outputs: readonly string[];
  /** Width of a network's last layer: the outputs times the parameters that the loss has for each. */
  readonly numLogits: number;
  /** Width of {@link Task.targets}. */
  readonly targetWidth: number;

  /** float32 `[rows, targetWidth]`: one-hot classes, counts of votes. */
  targets(dataset: Dataset, rows: ArrayLike<number>): Float32Array;
  /**
   * The group of every row of the data set, by which splits are stratified, classes balanced and
   * rows drawn; −1 where the target is not known.
   */
  strata(dataset: Dataset): Int32Array;

  /** The loss of training; weights of classes follow from the training rows. */
  createLoss(training: TrainingRows): Loss;
  /** logits `[batch, numLogits]` → answers `[batch, outputs]`: probabilities, fractions. */
  activate(logits: tf.Tensor2D): tf.Tensor2D;
  /** A cheap score that is shown while training. */
  readonly trainingScore: {
    /** In the history it is `train` and this name: `accuracy`, `meanAbsoluteError`. */
    readonly name: string;
    /** Sum over the images of a batch. */
    sum(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar;
  };

  /**
   * Answers and, where they are known, the truth.
   *
   * @param answers float64 `[rows, outputs]`, row-major
   * @throws UserError naming the row where an answer is not finite
   */
  table(dataset: Dataset, rows: ArrayLike<number>, answers: Float64Array): Table;
  /** The same table with its columns in the order of this task's outputs, matched by name. */
  formatTable(table: Table): string;
  /** @param file For messages. @throws UserError naming file, row and value */
  parseTable(text: string, file: string): Table;

  /** Of the rows with a truth. @throws UserError when there is none */
  metrics(table: Table): Metrics;
  /** Metrics that can say which epoch is best, and which way is better. */
  readonly monitors: Readonly<Record<string, "max" | "min">>;
  /** The monitor where the config names none. */
  readonly defaultMonitor: string;
  /** The few metrics that a person is told first, in this order. */
  readonly headline: readonly string[];
  /** Names of the figures that a run of this task has; see the registry of figures. */
  readonly figures: readonly string[];
}
