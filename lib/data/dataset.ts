import type { Table } from "../core/table";

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
  /** What volunteers answered, where the data set is about votes; `classNames` is then empty. */
  readonly votes?: Votes;
  /** Where pixels are compressed: how many rows are unpacked together, whichever is read. */
  readonly block?: number;
  /** Files that were left out because they could not be read, where skipping was asked for. */
  readonly skipped?: readonly SkippedRow[];
  /**
   * Read images in the order of `rows`.
   *
   * @returns uint8 RGB, `[rows.length, height, width, 3]`, row-major, 0–255.
   */
  read(rows: ArrayLike<number>): Promise<Uint8Array>;
  /** The same for a part of each image, where that saves work. */
  readArea?(rows: ArrayLike<number>, area: Area): Promise<Uint8Array>;
  /** Release files. */
  close(): Promise<void>;
}

/** A part of an image, pixels. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A question that volunteers were asked. */
export interface VoteQuestion {
  readonly name: string;
  /** Names of its answers, as they head the columns of a catalog. */
  readonly answers: readonly string[];
  /** The answer that leads to this question; none for those that everybody is asked. */
  readonly after?: string;
}

/** Vote fractions of each galaxy. */
export interface Votes {
  readonly questions: readonly VoteQuestion[];
  /** The answers of all questions, one after another. */
  readonly answers: readonly string[];
  /** 0 to 1, row-major `[rows, answers]`; NaN where nobody was asked. */
  readonly fractions: Float64Array;
}

/** A row that was left out, and why. */
export interface SkippedRow {
  readonly id: string;
  readonly reason: string;
}

/** What the exports of a data set's file are: `info`, `get` and `open`, the same for each. */
export interface DatasetSource {
  readonly info: DatasetInfo;
  /** Download or make it in the folder of its own name in `dataFolder`. */
  get(dataFolder: string, onProgress?: (done: number, total: number) => void): Promise<void>;
  /** Open it from there. */
  open(dataFolder: string, onProgress?: (done: number, total: number) => void): Promise<Dataset>;
}

/** What a list of data sets shows. */
export interface DatasetInfo {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Number and size of the images, classes, bytes on disk. */
  readonly size: string;
  /** Where it comes from: a record, an address. */
  readonly source: string;
  readonly license: string;
}
