import { UserError } from "../core/errors";
import { idKey, rowsById } from "../core/ids";
import type { Column } from "../core/table";
import { sortedQuantile, wilsonInterval } from "./intervals";
import type { Predictions } from "./predictions";

/** Accuracy of the rows whose column lies in one bin. */
export interface AccuracyBin {
  /** The column from here … */
  readonly low: number;
  /** … to here; the upper edge belongs to the next bin, except in the last. */
  readonly high: number;
  /** Median of the column in the bin. */
  readonly median: number;
  /** Galaxies in the bin. */
  readonly count: number;
  /** Of them, those given their true class. */
  readonly correct: number;
  /** Their fraction. */
  readonly accuracy: number;
  /** Lower end of Wilson's 95 % interval of the accuracy. */
  readonly accuracyLow: number;
  /** Its upper end. */
  readonly accuracyHigh: number;
}

/** How {@link accuracyByColumn} makes its bins. */
export interface AccuracyByColumnOptions {
  /** Bins of equally many rows. Default: 10. */
  readonly bins?: number;
  /** Bins between these ascending edges, in the column's unit. Default: `bins` says which. */
  readonly edges?: readonly number[];
}

/**
 * Accuracy binned by a property of the galaxies, such as size, magnitude or redshift.
 *
 * @param values The property of each row; rows where it is not finite are left out, and so are those
 * without a label.
 * @returns The bins that hold rows, ascending.
 * @throws UserError where there is not one value a row, or none is finite.
 */
export function accuracyByColumn(
  predictions: Predictions,
  values: ArrayLike<number>,
  { bins = 10, edges }: AccuracyByColumnOptions = {},
): AccuracyBin[] {
  const { labels, predicted } = predictions;
  if (values.length !== labels.length)
    throw new UserError(
      `${values.length} values for ${labels.length} predictions`,
      "Pass one value a row; `columnFor` looks them up by id.",
    );
  const sorted = Float64Array.from(values).filter(Number.isFinite).sort();
  if (sorted.length === 0)
    throw new UserError("No value of the column is a finite number", "Choose another column.");
  const cuts = edges
    ? [...edges]
    : [...new Set(Array.from({ length: bins + 1 }, (_, i) => sortedQuantile(sorted, i / bins)))];
  if (cuts.length === 1) cuts.push(cuts[0]);

  const last = cuts.length - 2;
  const members: number[][] = Array.from({ length: last + 1 }, () => []);
  for (let row = 0; row < labels.length; row++) {
    const value = values[row];
    if (labels[row] < 0 || !(value >= cuts[0] && value <= cuts[last + 1])) continue;
    let bin = 0;
    while (bin < last && value >= cuts[bin + 1]) bin++;
    members[bin].push(row);
  }
  return members.flatMap((rows, bin) => {
    if (rows.length === 0) return [];
    const correct = rows.filter((row) => predicted[row] === labels[row]).length;
    const { value, low, high } = wilsonInterval(correct, rows.length);
    return {
      low: cuts[bin],
      high: cuts[bin + 1],
      median: sortedQuantile(Float64Array.from(rows, (row) => values[row]).sort(), 0.5),
      count: rows.length,
      correct,
      accuracy: value,
      accuracyLow: low,
      accuracyHigh: high,
    };
  });
}

/**
 * A column of another table, such as a catalog, in the order of the predictions; `58957.0` is `58957`.
 *
 * @param ids The predictions' ids.
 * @param table Its `id` and the column wanted.
 * @returns One value a prediction, NaN where the table has no such id.
 * @throws UserError where no id is found, or one is there twice.
 */
export function columnFor(
  ids: readonly string[],
  table: { readonly id: Column; readonly values: Column },
): Float64Array {
  const rowOf = rowsById(table.id, "The table");
  const found = Float64Array.from(ids, (id) => {
    const row = rowOf.get(idKey(id));
    return row === undefined ? Number.NaN : Number(table.values[row]);
  });
  if (!ids.some((id) => rowOf.has(idKey(id))))
    throw new UserError(
      `None of the ${ids.length} ids of the predictions ("${ids[0]}" …) is in the table ("${table.id[0]}" …)`,
      "Give the table of the same galaxies.",
    );
  return found;
}
