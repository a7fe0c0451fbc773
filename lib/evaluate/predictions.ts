import { argmax } from "../core/argmax";
import { UserError } from "../core/errors";
import { rowsById } from "../core/ids";
import { checkClassNames } from "./class-names";

/**
 * What a classifier says of each galaxy: the one type that metrics and figures take, whoever made it.
 * {@link createPredictions} makes and checks it.
 */
export interface Predictions {
  /** Names of the classes, in column order of `probabilities`. */
  readonly classNames: readonly string[];
  /** Galaxy of each row, each once. */
  readonly ids: readonly string[];
  /** True class of each row, index into `classNames`; −1 where it is not known. */
  readonly labels: Int32Array;
  /** The class each row was given, index into `classNames`: the most probable one. */
  readonly predicted: Int32Array;
  /**
   * Probability of each class, row-major `[rows, classes]`, each row summing to 1. Absent where a
   * table says only which class; {@link probabilitiesOf} asks for them.
   */
  readonly probabilities?: Float64Array;
}

/** What {@link createPredictions} makes a table of. */
export interface PredictionColumns {
  /** Names of the classes, each once. */
  readonly classNames: readonly string[];
  /** Galaxy of each row, each once. */
  readonly ids: readonly string[];
  /** True classes, −1 where not known. Default: none is known. */
  readonly labels?: ArrayLike<number>;
  /** Predicted classes. Default: the most probable ones; of equally probable ones the first. */
  readonly predicted?: ArrayLike<number>;
  /** Row-major `[rows, classes]`. Default: not known. */
  readonly probabilities?: ArrayLike<number>;
}

/** What a probability loses at most when somebody rounds it to three decimals. */
const ROUNDING = 5e-4;
/** How far two probabilities may differ and still count as equal. */
const EQUAL = 1e-6;

/**
 * Check columns and make a prediction table of them.
 *
 * @param source Name of the table, for messages. Default: `Predictions`.
 * @param rowNumber How messages number the rows. Default: from 1.
 * @throws UserError naming row and value: columns of different length, a class twice, an id twice, a
 * class that does not exist, a probability that is no number from 0 to 1, a row that does not sum to
 * 1, a predicted class that is not the most probable one.
 */
export function createPredictions(
  columns: PredictionColumns,
  source = "Predictions",
  rowNumber = (row: number) => row + 1,
): Predictions {
  const { classNames, ids, labels, probabilities } = columns;
  checkLengths(columns, source);
  checkClassNames(classNames, source);
  rowsById(ids, source, rowNumber);
  const fail: Fail = (row, problem, remedy) => {
    throw new UserError(`${source}, row ${rowNumber(row)} (${ids[row]}): ${problem}`, remedy);
  };
  return {
    classNames,
    ids,
    labels: labels
      ? checkClasses(labels, "label", -1, columns, fail)
      : new Int32Array(ids.length).fill(-1),
    ...(probabilities
      ? checkProbabilities(columns, new Float64Array(probabilities), fail)
      : { predicted: checkClasses(columns.predicted ?? [], "predicted class", 0, columns, fail) }),
  };
}

type Fail = (row: number, problem: string, remedy: string) => never;

function checkClasses(
  indices: ArrayLike<number>,
  what: string,
  least: number,
  { classNames }: PredictionColumns,
  fail: Fail,
): Int32Array {
  const last = classNames.length - 1;
  for (let row = 0; row < indices.length; row++) {
    const c = indices[row];
    if (!(Number.isInteger(c) && c >= least && c <= last))
      fail(
        row,
        `the ${what} is ${c}`,
        `Expected the index of a class, 0 to ${last}${least < 0 ? ", or -1 where it is not known" : ""}.`,
      );
  }
  return new Int32Array(indices);
}

function checkProbabilities(
  { classNames, ids, predicted }: PredictionColumns,
  probabilities: Float64Array,
  fail: Fail,
): Pick<Predictions, "predicted" | "probabilities"> {
  const k = classNames.length;
  const best = new Int32Array(ids.length);
  for (let row = 0, at = 0; row < best.length; row++, at += k) {
    let sum = 0;
    for (let c = 0; c < k; c++) {
      const p = probabilities[at + c];
      if (!(p >= 0 && p <= 1 + EQUAL))
        fail(row, `the probability of ${classNames[c]} is ${p}`, "Expected a number from 0 to 1.");
      sum += p;
    }
    if (!(Math.abs(sum - 1) <= k * ROUNDING + EQUAL))
      fail(row, `the probabilities sum to ${sum}`, "They must sum to 1: apply softmax to logits.");
    best[row] = argmax(probabilities, at, k);
    // A table may have been written by somebody who takes the last of equals.
    const given = predicted?.[row] ?? best[row];
    if (!(probabilities[at + given] >= probabilities[at + best[row]] - EQUAL))
      fail(
        row,
        `the predicted class is ${classNames[given] ?? given}, which is not the most probable one`,
        "Leave the predicted classes out, or mend the order of the classes.",
      );
  }
  return { predicted: best, probabilities };
}

function checkLengths(columns: PredictionColumns, source: string): void {
  const { ids, classNames, predicted, probabilities } = columns;
  if (predicted === undefined && probabilities === undefined)
    throw new UserError(
      `${source}: neither predicted classes nor probabilities`,
      "Give one of the two.",
    );
  const expected = {
    labels: ids.length,
    predicted: ids.length,
    probabilities: ids.length * classNames.length,
  };
  for (const [name, length] of Object.entries(expected)) {
    const given = columns[name as keyof typeof expected]?.length;
    if (given !== undefined && given !== length)
      throw new UserError(
        `${source}: ${given} ${name} for ${ids.length} rows and ${classNames.length} classes`,
        `Expected ${length}.`,
      );
  }
}

/**
 * The probabilities of a table.
 *
 * @param what What they are needed for, for the message.
 * @throws UserError where the table has none, or one that is not finite
 */
export function probabilitiesOf(predictions: Predictions, what: string): Float64Array {
  const { ids, classNames, probabilities } = predictions;
  if (probabilities === undefined)
    throw new UserError(
      `${what}: the prediction table holds classes, but no probabilities`,
      "Give a table with a column p_<class> of each class.",
    );
  // A NaN compares with nothing: it would sort anywhere, and loops that wait for it never end.
  for (let at = 0; at < probabilities.length; at++) {
    if (Number.isFinite(probabilities[at])) continue;
    const row = Math.floor(at / classNames.length);
    throw new UserError(
      `${what}: row ${row + 1} (${ids[row]}) has the probability ${probabilities[at]}`,
      "Make prediction tables with createPredictions, which checks them.",
    );
  }
  return probabilities;
}

/** Some rows of a prediction table, in that order; rows may repeat. */
export function selectPredictions(predictions: Predictions, rows: ArrayLike<number>): Predictions {
  const { classNames, ids, labels, predicted, probabilities } = predictions;
  const k = classNames.length;
  const chosen = probabilities && new Float64Array(rows.length * k);
  if (chosen)
    for (let i = 0; i < rows.length; i++)
      chosen.set(probabilities.subarray(rows[i] * k, (rows[i] + 1) * k), i * k);
  return {
    classNames,
    ids: Array.from(rows, (row) => ids[row]),
    labels: Int32Array.from(rows, (row) => labels[row]),
    predicted: Int32Array.from(rows, (row) => predicted[row]),
    ...(chosen ? { probabilities: chosen } : {}),
  };
}

/**
 * The rows whose true class is known; the table itself where all are.
 *
 * @throws UserError where none is
 */
export function labeledPredictions(predictions: Predictions): Predictions {
  const { labels } = predictions;
  const known: number[] = [];
  for (let row = 0; row < labels.length; row++) if (labels[row] >= 0) known.push(row);
  if (known.length === 0)
    throw new UserError(
      `None of the ${labels.length} predictions has a true class to be compared with`,
      "Give the true classes: a column of labels (--label COLUMN) or another table (--truth FILE).",
    );
  return known.length === labels.length ? predictions : selectPredictions(predictions, known);
}
