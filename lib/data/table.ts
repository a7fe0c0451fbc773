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
