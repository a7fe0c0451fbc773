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

/** The values of a column as text. */
export function asText(column: Column): string[] {
  return Array.from<string | number, string>(column, String);
}

/** The values of a column as numbers; text that is none becomes NaN. */
export function asNumbers(column: Column): number[] {
  return Array.from<string | number, number>(column, Number);
}
