import type * as tf from "@tensorflow/tfjs-core";
import type { Random } from "../core/random";
import type { Table as Columns } from "../core/table";
import type { Dataset } from "../data/dataset";
import type { Breakdown } from "../evaluate/ablation-table";
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
  /** Whose rows they are. */
  readonly dataset: Dataset;
  /** Row numbers of the training split. */
  readonly rows: ArrayLike<number>;
}

/** Groups of galaxies that are alike. */
export interface Strata {
  /** Group of every row of the data set, index into `names`; −1 where the target is not known. */
  readonly of: Int32Array;
  /** Names of the groups, for messages. */
  readonly names: readonly string[];
}

/**
 * How answers are made to mean what they say: a few numbers, fitted on galaxies that were not learned from,
 * kept in the task's description with the model. Answers of a task with such a description are calibrated.
 */
export interface Calibration<Table extends PredictionTable = PredictionTable> {
  /**
   * @param table Answers about validation galaxies, as learned.
   * @returns numbers above 0
   * @throws UserError saying why these galaxies do not determine them
   */
  fit(table: Table): readonly number[];
  /**
   * The same table, calibrated.
   *
   * @param by What {@link Calibration.fit} returned.
   */
  apply(table: Table, by: readonly number[]): Table;
  /**
   * What validation galaxies promise of others, and how the test galaxies kept it. Default: nothing.
   *
   * @param validation Calibrated answers.
   * @param test Calibrated answers.
   */
  promises?(validation: Table, test: Table): Metrics;
}

/** One row of a prediction table in words. */
export interface Answer {
  /** What the network says, such as `spiral (0.93)`. */
  readonly answer: string;
  /** What is known. Default: nothing is. */
  readonly truth?: string;
  /** Whether the two agree, where that can be said. */
  readonly correct?: boolean;
}

/** Shares by rows and columns, such as a confusion matrix, to be drawn as shades. */
export interface ShareTable {
  /** A title. */
  readonly name: string;
  /** 0 … 1, `[rows][columns]`. */
  readonly shares: readonly (readonly number[])[];
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
  /**
   * How often each image is augmented, for a loss that compares what comes of it: its logits are `[views × batch,
   * numLogits]`, all first views before all second ones. Default 1.
   */
  readonly views?: number;

  /**
   * float32 `[rows, targetWidth]`: one-hot classes, counts of votes.
   *
   * @throws UserError naming the galaxy whose target is not known
   */
  targets(dataset: Dataset, rows: ArrayLike<number>): Float32Array;
  /**
   * What is known, in the form of answers: float64 `[rows, outputs]`, row-major; NaN where it is not known,
   * and for outputs that nobody can know, such as how sure a network is.
   */
  truths(dataset: Dataset, rows: ArrayLike<number>): Float64Array;
  /** By which splits are stratified, data balanced and rows drawn. */
  strata(dataset: Dataset): Strata;

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
   * Numbers of whoever knows nothing of probabilities, such as trees, as answers: clipped to 0…1, and what
   * excludes each other brought to a sum of one. float64 `[rows, outputs]`, row-major; another array.
   */
  normalize(raw: Float64Array): Float64Array;
  /**
   * Answers, calibrated where the description says how, and, where it is known and one of this task's, the
   * truth.
   *
   * @param answers float64 `[rows, outputs]`, row-major
   * @throws UserError naming the row where an answer is not finite
   */
  table(dataset: Dataset, rows: ArrayLike<number>, answers: Float64Array): Table;
  /** The answers of a table, float64 `[rows, outputs]`: what {@link Task.table} was given, calibrated. */
  answers(table: Table): Float64Array;
  /** What of a data set's targets does not fit this task, a sentence each, to be told when it predicts. */
  notices(dataset: Dataset): readonly string[];
  /**
   * The answers of a table as surveys publish them: columns by name, without ids and truths; text is one of
   * the outputs.
   */
  catalogColumns(table: Table): Columns;
  /** The table as CSV, its columns in the order of this task's outputs. */
  formatTable(table: Table): string;
  /**
   * The table that a CSV holds, its columns matched with the outputs by name.
   *
   * @param file For messages.
   * @throws UserError naming file, row and value
   */
  parseTable(text: string, file: string): Table;

  /** How the answers are calibrated. Default: they cannot be. */
  readonly calibration?: Calibration<Table>;

  /**
   * Of the rows with a truth.
   *
   * @param before Those of the same answers before they were calibrated: what that cannot change is not
   *   computed again. Default: all is computed.
   * @throws UserError when there is none
   */
  metrics(table: Table, before?: Metrics): Metrics;
  /**
   * The numbers of a table by which epochs can be compared, and which way is better. `loss` is one of
   * them, where that of single galaxies is defined. In the history each is `val` and its name: `valLoss`, `valAccuracy`.
   */
  readonly monitors: Readonly<Record<string, "max" | "min">>;
  /** The values of {@link Task.monitors}, without those that are not defined for this table. */
  monitored(table: Table): Readonly<Record<string, number>>;
  /** Which of {@link Task.monitors} says which epoch is best, where the config does not. */
  readonly defaultMonitor: string;
  /** The few metrics that a person is told first, in this order. */
  readonly headline: readonly string[];
  /** How well each class or question does, of the rows with a truth. Default: there is no such score. */
  breakdown?(table: Table): Breakdown;
  /**
   * Rows drawn so that each stratum has as many as the rarest; those without a truth are left out. Default:
   * this cannot be done, and an ablation that asks for it is refused.
   */
  undersample?(table: Table, random: Random): Table;
  /** Names of the figures that a run of this task has; see the registry of figures. */
  readonly figures: readonly string[];
  /** A row in words, for lists of examples. */
  describe(table: Table, row: number): Answer;
  /** How answers and truths go together at a glance, for a log of the training. Default: not drawn. */
  shareTable?(table: Table): ShareTable;
}

/** `val`, `accuracy` → `valAccuracy`: how a column of the history is called. */
export function historyColumn(split: "train" | "val", name: string): string {
  return `${split}${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
