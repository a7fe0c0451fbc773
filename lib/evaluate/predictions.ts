import { readFile, writeFile } from "node:fs/promises";
import { UserError } from "../core/errors";
import { asNumbers, asText } from "../core/table";
import { parseCsv } from "../io/csv-table";
import { formatCsv } from "../io/csv-text";

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

/** The most probable class of each row; of equal ones the first. */
export function predictedClasses({ classNames, labels, probabilities }: Predictions): Int32Array {
  const k = classNames.length;
  const predicted = new Int32Array(labels.length);
  for (let row = 0, at = 0; row < labels.length; row++, at += k) {
    let best = 0;
    for (let c = 1; c < k; c++) if (probabilities[at + c] > probabilities[at + best]) best = c;
    predicted[row] = best;
  }
  return predicted;
}

/** Some rows of a prediction table, in that order; rows may repeat. */
export function selectPredictions(predictions: Predictions, rows: ArrayLike<number>): Predictions {
  const k = predictions.classNames.length;
  const probabilities = new Float64Array(rows.length * k);
  for (let i = 0; i < rows.length; i++) {
    probabilities.set(predictions.probabilities.subarray(rows[i] * k, (rows[i] + 1) * k), i * k);
  }
  return {
    classNames: predictions.classNames,
    ids: Array.from(rows, (row) => predictions.ids[row]),
    labels: Int32Array.from(rows, (row) => predictions.labels[row]),
    probabilities,
  };
}

/** Prediction table as CSV: `id,label,predicted,p_<class>…`, classes by name. */
export function formatPredictions(predictions: Predictions): string {
  const { classNames, ids, labels, probabilities } = predictions;
  const k = classNames.length;
  const predicted = predictedClasses(predictions);
  const rows = ids.map((id, i) => [
    id,
    classNames[labels[i]],
    classNames[predicted[i]],
    ...probabilities.subarray(i * k, (i + 1) * k),
  ]);
  const fields = ["id", "label", "predicted", ...classNames.map((name) => `p_${name}`)];
  return formatCsv(fields, rows);
}

/** Write a prediction table; see {@link formatPredictions}. */
export async function writePredictions(path: string, predictions: Predictions): Promise<void> {
  await writeFile(path, formatPredictions(predictions));
}

/**
 * Read a prediction table from CSV text.
 *
 * `label` holds a class name or its index; `predicted`, where present, must agree with the largest
 * probability.
 *
 * @param text The CSV, with the header `id,label,predicted,p_<class>…`.
 * @param file Its name, for messages.
 * @throws UserError naming file, row and value where the table is not one.
 */
export function parsePredictions(text: string, file: string): Predictions {
  const remedy = "A prediction table has the columns id,label,predicted,p_<class>…";
  const csv = parseCsv(
    text,
    file,
    (header) => ({
      id: "text",
      label: "text",
      ...Object.fromEntries(header.filter((c) => c.startsWith("p_")).map((c) => [c, "number"])),
    }),
    { optional: { predicted: "text" } },
  );
  const { columns } = csv;
  const names = csv.header.filter((column) => column.startsWith("p_"));
  const classNames = names.map((name) => name.slice(2));
  if (names.length < 2)
    throw new UserError(`${file}: ${names.length} columns of probabilities (p_…)`, remedy);
  if (csv.size === 0) throw new UserError(`${file}: a header, but no rows`, remedy);
  const indexOf = new Map(classNames.map((name, i) => [name, i]));

  const k = classNames.length;
  const labels = new Int32Array(csv.size);
  const given = asText(columns.label);
  const predicted = columns.predicted && asText(columns.predicted);
  const values = names.map((name) => asNumbers(columns[name]));
  const probabilities = new Float64Array(csv.size * k);
  for (let r = 0; r < csv.size; r++) {
    const fail = (problem: string, what = remedy) => {
      throw new UserError(`${file}, row ${csv.rowNumber(r)}: ${problem}`, what);
    };
    const classOf = (name: string, column: string): number => {
      const index = indexOf.get(name) ?? (/^\d+$/.test(name) ? Number(name) : -1);
      if (index < 0 || index >= k)
        fail(
          `${column} is "${name}"`,
          `Expected one of ${classNames.join(", ")}, or 0 to ${k - 1}.`,
        );
      return index;
    };
    labels[r] = classOf(given[r], "label");
    let sum = 0;
    let best = 0;
    for (let c = 0; c < k; c++) {
      const p = values[c][r];
      if (!(p >= 0 && p <= 1 + 1e-6))
        fail(`${names[c]} is ${p}`, "Expected a probability from 0 to 1.");
      probabilities[r * k + c] = p;
      sum += p;
      best = Math.max(best, p);
    }
    if (Math.abs(sum - 1) > 1e-3)
      fail(`the probabilities sum to ${sum}`, "They must sum to 1: apply softmax to logits first.");
    if (predicted && probabilities[r * k + classOf(predicted[r], "predicted")] < best - 1e-6)
      fail(
        `predicted is "${predicted[r]}", which is not the most probable class`,
        "Leave the column out, or mend the order of the classes.",
      );
  }
  const ids = asText(columns.id);
  return { classNames, ids, labels, probabilities };
}

/** Read a prediction table from a file; see {@link parsePredictions}. */
export async function readPredictions(path: string): Promise<Predictions> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new UserError(
      `${path}: cannot be read (${(cause as NodeJS.ErrnoException).code})`,
      "Give the path of a prediction table (CSV).",
      { cause },
    );
  }
  return parsePredictions(text, path);
}
