import type { Interpolation } from "../core/resize";
import type { Table } from "../core/table";

/**
 * Galaxies and a random-access reader of their pixels.
 *
 * `table` has one row a galaxy and at least the column `id` (text). Where the source has them:
 * `label` (index into `classNames`, −1 where it is not known), `split` (`train`, `val`, `test`, or
 * empty for a row of none), `ra`, `dec` (degrees), `redshift` and others. Rows without labels are
 * data too: ask `hasLabels` and `labelsOf`.
 */
export interface Dataset {
  /** A registered name, or the name of the file or folder without its ending. */
  readonly name: string;
  /** Names of the classes in label order; empty where nothing is labeled. */
  readonly classNames: readonly string[];
  /** What is known of each galaxy, one row each. */
  readonly table: Table;
  /** Number of rows. */
  readonly size: number;
  /** Height and width of the stored images, pixels; none where they differ from each other. */
  readonly sourceSize?: readonly [height: number, width: number];
  /** How {@link Dataset.read} shows the images unless it is told otherwise. */
  readonly view: View;
  /**
   * Height and width that {@link Dataset.read} returns for {@link Dataset.view}, pixels. Where stored
   * images differ and the view gives no size, those of the first.
   */
  readonly imageSize: readonly [height: number, width: number];
  /** What volunteers answered, where that is known. */
  readonly votes?: Votes;
  /** Where pixels are compressed: how many rows are unpacked together, whichever is read. */
  readonly block?: number;
  /** Files that were left out because they could not be read, where skipping was asked for. */
  readonly skipped?: readonly SkippedRow[];
  /** What was decided while opening that a person should be told, a sentence each. */
  readonly notices?: readonly string[];
  /**
   * Read images in the order of `rows`.
   *
   * @param rows Row numbers, 0 to `size` − 1; repeats are allowed.
   * @param view Crop, size and interpolation; {@link Dataset.view} by default.
   * @returns uint8 RGB, `[rows.length, height, width, 3]`, row-major, 0–255.
   * @throws UserError naming the file that cannot be read, or whose size differs
   */
  read(rows: ArrayLike<number>, view?: View): Promise<Uint8Array>;
  /** Release files. */
  close(): Promise<void>;
}

/** Which part of each stored image is read, and at what size. */
export interface View {
  /** Side of the square cut out of the middle, source pixels; by default all of the image. */
  readonly crop?: number;
  /**
   * Height and width that images are resized to, pixels; not resampled by default. What is not
   * square is first cut to the largest square in its middle.
   */
  readonly size?: number;
  /** Used where `size` resamples. Default `lanczos`, which enlarges as `bicubic` does. */
  readonly interpolation?: Interpolation;
}

/** A question that volunteers were asked. */
export interface VoteQuestion {
  /** Such as `t02_edgeon`. */
  readonly name: string;
  /** Names of its answers, as they head the columns of a catalog. */
  readonly answers: readonly string[];
  /** The answers any of which leads to this question; none: everybody is asked. */
  readonly after?: readonly string[];
  /** Whether volunteers could give answers that are not listed here, so that fractions sum to less than 1. Default false. */
  readonly others?: boolean;
}

/** What volunteers answered about each galaxy. */
export interface Votes {
  /** In the order of a decision tree: a question comes after the one that leads to it. */
  readonly questions: readonly VoteQuestion[];
  /** The answers of all questions, one after another. */
  readonly answers: readonly string[];
  /** Share of a question's voters, 0 to 1, row-major `[rows, answers]`; NaN where nobody was asked. */
  readonly fractions: Float64Array;
  /**
   * Number of volunteers who were asked each question, `[rows, questions]`, 0 where nobody was; an
   * answer's votes are its fraction of them. Default: not known.
   */
  readonly asked?: Float64Array;
}

/** A row that was left out, and why. */
export interface SkippedRow {
  /** As it would be in the table. */
  readonly id: string;
  /** Such as `empty (0 bytes)`. */
  readonly reason: string;
}

/** What the exports of a data set's file are: `info`, `get` and `open`, the same for each. */
export interface DatasetSource {
  /** What a list of data sets shows. */
  readonly info: DatasetInfo;
  /** Download or make it in the folder of its own name in `dataFolder`. */
  get(dataFolder: string, onProgress?: (done: number, total: number) => void): Promise<void>;
  /** Open it from there. */
  open(dataFolder: string, onProgress?: (done: number, total: number) => void): Promise<Dataset>;
}

/** What a list of data sets shows. */
export interface DatasetInfo {
  /** What it is opened by: letters, digits and hyphens. */
  readonly name: string;
  /** A few words. */
  readonly title: string;
  /** A sentence or two: which galaxies, which labels, by whom. */
  readonly description: string;
  /** Number and size of the images, classes, bytes on disk. */
  readonly size: string;
  /** Where it comes from: a record, an address. */
  readonly source: string;
  /** Under which it may be used. */
  readonly license: string;
}
