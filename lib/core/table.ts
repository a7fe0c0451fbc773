/** One column: numbers or text, one value a row. */
export type Column =
  | readonly string[]
  | readonly number[]
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint8Array;

/** A table held by columns of equal length: what data sets, metrics and figures pass to each other. */
export type Table = Readonly<Record<string, Column>>;

/**
 * A matrix as columns with names.
 *
 * @param values `[rows, names]`, row-major.
 */
export function namedColumns(
  values: ArrayLike<number>,
  names: readonly string[],
): Record<string, Float64Array> {
  const rows = values.length / names.length;
  const column = (c: number) =>
    Float64Array.from({ length: rows }, (_, row) => values[row * names.length + c]);
  return Object.fromEntries(names.map((name, c) => [name, column(c)]));
}

/**
 * Whether text stands for a value that is not known: nothing, `nan`, `NA`, `null`, `None` (of Python), `<NA>` (of
 * pandas), `--` (of astropy).
 */
export function isUnknown(text: string): boolean {
  return /^\s*([+-]?nan|#?n\/?a|<na>|null|--|)\s*$/i.test(text) || text.trim() === "None";
}

/** The values of a column as text. */
export function asText(column: Column): string[] {
  return Array.from<string | number, string>(column, String);
}

/** The values of a column as numbers; text that is none becomes NaN. */
export function asNumbers(column: Column): number[] {
  return Array.from<string | number, number>(column, Number);
}
