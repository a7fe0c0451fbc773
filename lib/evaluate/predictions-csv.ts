import { UserError } from "../core/errors";
import { asText, isUnknown } from "../core/table";
import { type ColumnType, type CsvTable, parseCsv } from "../io/csv-table";
import { formatCsv } from "../io/csv-text";
import { checkClassNames, classIndices, expectedClass, unionOfClasses } from "./class-names";
import { createPredictions, type Predictions } from "./predictions";
import type { Truth } from "./truth";

/** A column's name, or several of which the first that is there counts. */
type ColumnNames = string | readonly string[];

/** Names of the columns of somebody else's table. */
export interface PredictionsCsvOptions {
  /** Column of the galaxies' names. Default: `id`. */
  readonly id?: ColumnNames;
  /** Column of the true classes. Default: `label`, where there is one. */
  readonly label?: ColumnNames;
  /** Column of the predicted classes. Default: `predicted`, where there is one. */
  readonly predicted?: ColumnNames;
}

const REMEDY = "A prediction table has the columns id,label,predicted,p_<class>…";

/** Prediction table → CSV: `id,label,predicted,p_<class>…`, classes by name, an unknown label empty. */
export function formatPredictions(predictions: Predictions): string {
  const { classNames, ids, labels, predicted, probabilities } = predictions;
  const k = classNames.length;
  const rows = ids.map((id, i) => [
    id,
    labels[i] < 0 ? "" : classNames[labels[i]],
    classNames[predicted[i]],
    ...(probabilities?.subarray(i * k, (i + 1) * k) ?? []),
  ]);
  const columns = probabilities ? classNames.map((name) => `p_${name}`) : [];
  return formatCsv(["id", "label", "predicted", ...columns], rows);
}

/**
 * CSV → prediction table.
 *
 * `label` and `predicted` hold names of classes or their indices; `label` may be empty (`nan`, `NA`), or missing.
 * Without columns `p_<class>` the classes are those that `label` and `predicted` name.
 *
 * @param text The CSV, with the header `id,label,predicted,p_<class>…`.
 * @param file Its name, for messages.
 * @throws UserError naming file, row and value where the table is not one.
 */
export function parsePredictions(
  text: string,
  file: string,
  options: PredictionsCsvOptions = {},
): Predictions {
  const { wanted, predictionsOf } = predictionsReader(file, options);
  return predictionsOf(parseCsv(text, file, wanted));
}

interface Names {
  id?: string;
  label?: string;
  predicted?: string;
  p: string[];
}

/** Which columns {@link parsePredictions} wants of a table, and what it makes of them. */
export function predictionsReader(file: string, options: PredictionsCsvOptions = {}) {
  const names: Names = { p: [] };
  const wanted = (header: readonly string[]): Record<string, ColumnType> => {
    const find = (key: keyof PredictionsCsvOptions, optional: boolean) =>
      options[key] === undefined && optional && !header.includes(key)
        ? undefined
        : columnOf(header, options[key] ?? key, file);
    names.id = find("id", false);
    names.label = find("label", true);
    names.predicted = find("predicted", true);
    names.p = header.filter((name) => name.startsWith("p_"));
    if (names.p.length < 2 && names.predicted === undefined)
      throw new UserError(
        `${file}: neither a column "predicted" nor columns of probabilities (p_…) in the header "${header.join(",").slice(0, 200)}"`,
        REMEDY,
      );
    const texts = [names.id, names.label, names.predicted].flatMap((name) => name ?? []);
    return Object.fromEntries([
      ...names.p.map((name) => [name, "number"] as const),
      ...texts.map((name) => [name, "text"] as const),
    ]);
  };
  return { wanted, predictionsOf: (csv: CsvTable) => predictionsOf(csv, names, file) };
}

function predictionsOf(csv: CsvTable, names: Names, file: string): Predictions {
  if (csv.size === 0) throw new UserError(`${file}: a header, but no rows`, REMEDY);

  const cells = (name: string | undefined) => (name ? asText(csv.columns[name]) : []);
  const [labels, predicted] = [known(cells(names.label)), known(cells(names.predicted))];
  const closed = names.p.length >= 2;
  const classNames = closed
    ? names.p.map((name) => name.slice(2))
    : unionOfClasses(labels, predicted, [`${file}: ${names.label}`, `${names.predicted}`]);
  checkClassNames(classNames, file);
  return createPredictions(
    {
      classNames,
      ids: cells(names.id),
      labels: names.label ? classesIn(csv, names.label, classNames, file, true) : undefined,
      predicted: names.predicted
        ? classesIn(csv, names.predicted, classNames, file, false)
        : undefined,
      probabilities: closed ? rowMajor(csv, names.p) : undefined,
    },
    file,
    csv.rowNumber,
  );
}

function classesIn(
  csv: CsvTable,
  column: string,
  classNames: readonly string[],
  file: string,
  mayBeEmpty: boolean,
): Int32Array {
  const texts = asText(csv.columns[column]);
  const indices = classIndices(texts, classNames);
  const bad = indices.findIndex((c, row) => c < 0 && !(mayBeEmpty && isUnknown(texts[row])));
  if (bad >= 0)
    throw new UserError(
      `${file}, row ${csv.rowNumber(bad)}: ${column} is "${texts[bad]}"`,
      expectedClass(classNames),
    );
  return indices;
}

/** Labels, empty where they are not known. */
function known(labels: readonly string[]): string[] {
  return labels.map((label) => (isUnknown(label) ? "" : label));
}

function rowMajor({ columns, size }: CsvTable, names: readonly string[]): Float64Array {
  const values = new Float64Array(size * names.length);
  for (const [c, name] of names.entries()) {
    const column = columns[name];
    for (let row = 0; row < size; row++) values[row * names.length + c] = Number(column[row]);
  }
  return values;
}

/**
 * True classes from a CSV with a column of ids and one of labels.
 *
 * @param columns `id` and `label`: their names. Default: `id` and `label`.
 * @throws UserError where there is no such column
 */
export function parseTruth(text: string, file: string, columns: TruthColumns = {}): Truth {
  const { wanted, truthOf } = truthReader(file, columns);
  return truthOf(parseCsv(text, file, wanted));
}

/** Names of the columns of a table of true classes. */
export type TruthColumns = Pick<PredictionsCsvOptions, "id" | "label">;

/** Which columns {@link parseTruth} wants of a table, and what it makes of them. */
export function truthReader(file: string, { id = "id", label = "label" }: TruthColumns = {}) {
  let names: string[] = [];
  return {
    wanted(header: readonly string[]): Record<string, ColumnType> {
      names = [id, label].map((name) => columnOf(header, name, file));
      return Object.fromEntries(names.map((name) => [name, "text"] as const));
    },
    truthOf({ columns, rowNumber }: CsvTable): Truth {
      const [ids, labels] = names.map((name) => asText(columns[name]));
      return { ids, labels: known(labels), rowNumber };
    },
  };
}

function columnOf(header: readonly string[], names: ColumnNames, file: string): string {
  const wanted = [names].flat();
  const found = wanted.find((name) => header.includes(name));
  if (found !== undefined) return found;
  throw new UserError(
    `${file}: no column "${wanted.join('" or "')}" in the header "${header.join(",").slice(0, 200)}"`,
    `${REMEDY}; --id, --label and --predicted name the columns of another one.`,
  );
}
