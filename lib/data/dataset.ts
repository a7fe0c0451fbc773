import type { Table } from "./table";

/**
 * Galaxies with their labels and a random-access reader of their pixels.
 *
 * `table` has one row a galaxy and at least the columns `id` (text) and, for classification,
 * `label` (index into `classNames`); `split` (`train`, `val`, `test`) where the source brings one;
 * `ra`, `dec` (degrees), `redshift` and others where it has them.
 */
export interface Dataset {
  readonly name: string;
  /** Names of the classes in label order. */
  readonly classNames: readonly string[];
  readonly table: Table;
  /** Number of rows. */
  readonly size: number;
  /** Height and width that {@link Dataset.read} returns, pixels. */
  readonly imageSize: readonly [height: number, width: number];
  /**
   * Read images in the order of `rows`.
   *
   * @returns uint8 RGB, `[rows.length, height, width, 3]`, row-major, 0–255.
   */
  read(rows: ArrayLike<number>): Promise<Uint8Array>;
  /** Release files. */
  close(): Promise<void>;
}
