import { readFile, writeFile } from "node:fs/promises";
import Papa from "papaparse";
import { UserError } from "../core/errors";

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
  return `${Papa.unparse({ fields, data: rows }, { newline: "\n" })}\n`;
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
  const parsed = Papa.parse<string[]>(text.replace(/^\ufeff/, ""), { skipEmptyLines: "greedy" });
  const [header = [], ...rows] = parsed.data;
  const idColumn = header.indexOf("id");
  const labelColumn = header.indexOf("label");
  const predictedColumn = header.indexOf("predicted");
  const columns = header.flatMap((name, i) => (name.startsWith("p_") ? [i] : []));
  const classNames = columns.map((i) => header[i].slice(2));
  const remedy = "A prediction table has the columns id,label,predicted,p_<class>…";
  if (idColumn < 0 || labelColumn < 0)
    throw new UserError(
      `${file}: no column "${idColumn < 0 ? "id" : "label"}" in the header "${header.join(",").slice(0, 200)}"`,
      remedy,
    );
  if (columns.length < 2)
    throw new UserError(`${file}: ${columns.length} columns of probabilities (p_…)`, remedy);
  const indexOf = new Map(classNames.map((name, i) => [name, i]));
  if (indexOf.size < classNames.length)
    throw new UserError(`${file}: two columns of probabilities share a name`, remedy);
  if (rows.length === 0) throw new UserError(`${file}: a header, but no rows`, remedy);

  const k = classNames.length;
  const ids: string[] = [];
  const labels = new Int32Array(rows.length);
  const probabilities = new Float64Array(rows.length * k);
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r];
    const fail = (problem: string, what = remedy) => {
      throw new UserError(`${file}, row ${r + 1}: ${problem}`, what);
    };
    if (row.length !== header.length)
      fail(`${row.length} values under a header of ${header.length}`, "Is the file cut off?");
    const classOf = (name: string, column: string): number => {
      const index = indexOf.get(name) ?? (/^\d+$/.test(name) ? Number(name) : -1);
      if (index < 0 || index >= k)
        fail(
          `${column} is "${name}"`,
          `Expected one of ${classNames.join(", ")}, or 0 to ${k - 1}.`,
        );
      return index;
    };
    ids.push(row[idColumn]);
    labels[r] = classOf(row[labelColumn], "label");
    let sum = 0;
    let best = 0;
    for (let c = 0; c < k; c++) {
      const value = row[columns[c]].trim();
      const p = value === "" ? Number.NaN : Number(value);
      if (!(p >= 0 && p <= 1 + 1e-6))
        fail(`p_${classNames[c]} is "${value}"`, "Expected a probability from 0 to 1.");
      probabilities[r * k + c] = p;
      sum += p;
      best = Math.max(best, p);
    }
    if (Math.abs(sum - 1) > 1e-3)
      fail(`the probabilities sum to ${sum}`, "They must sum to 1: apply softmax to logits first.");
    if (predictedColumn >= 0) {
      const predicted = classOf(row[predictedColumn], "predicted");
      if (probabilities[r * k + predicted] < best - 1e-6)
        fail(
          `predicted is "${row[predictedColumn]}", which is not the most probable class`,
          "Leave the column out, or mend the order of the classes.",
        );
    }
  }
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
