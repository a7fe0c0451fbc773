import { UserError } from "../core/errors";
import { halfToNumber } from "../core/float16";
import {
  type Hdf5LibraryDataset,
  type Hdf5LibraryFile,
  openHdf5,
  reason,
  unreadFilter,
} from "./hdf5-library";
import type { Area } from "./view";

/** Numbers of one HDF5 dataset, in the file's own type (64-bit integers become doubles, float16 become float32). */
export type Hdf5Numbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** What a dataset of an HDF5 file is, without reading it. */
export interface Hdf5Info {
  /** Slowest axis first. */
  readonly shape: readonly number[];
  /** NumPy's name of the type: `uint8`, `int64`, `float32`, …; `other` for text and compounds. */
  readonly dtype: string;
  /** Extent of one chunk, or `undefined` where the data lie in one piece. */
  readonly chunks: readonly number[] | undefined;
  /** Whether it goes through filters, such as gzip. */
  readonly compressed: boolean;
}

/** Bytes read in one go at most: the library's memory never shrinks again. */
const largestSlice = 32 * 2 ** 20;

/** No filter packs images more than that; a file that claims more than it can hold is wrong. */
const largestRatio = 10_000;
const leastLimit = 2 ** 26;

function joins(previous: number, next: number, reach: number): boolean {
  return next - previous <= 1 || Math.floor(previous / reach) === Math.floor(next / reach);
}

/** An HDF5 file open for reading. Datasets are read a few rows at a time; nothing is kept. */
export class Hdf5File {
  private open = true;
  private readonly datasets = new Map<string, Hdf5LibraryDataset>();
  /** Datasets of float16, which the library takes for 16-bit integers. */
  private readonly halves = new Set<string>();

  private constructor(
    /** Of the file. */
    readonly path: string,
    private readonly file: Hdf5LibraryFile,
    private readonly size: number,
  ) {}

  /**
   * @param path An HDF5 file.
   * @throws UserError when there is no such file, it is not HDF5, or it is truncated.
   */
  static async open(path: string): Promise<Hdf5File> {
    const { file, size } = await openHdf5(path);
    return new Hdf5File(path, file, size);
  }

  /** Names of what lies at the top of the file. */
  keys(): string[] {
    try {
      return this.file.keys();
    } catch (error) {
      throw new UserError(
        `${this.path}: its contents cannot be listed: ${reason(error)}.`,
        "The file is damaged: delete it and download or make it again.",
        { cause: error },
      );
    }
  }

  /** Whether there is something of this name at the top of the file. */
  has(key: string): boolean {
    return this.keys().includes(key);
  }

  /** @throws UserError naming the file and its keys when `key` is missing or no dataset. */
  info(key: string): Hdf5Info {
    const dataset = this.dataset(key);
    const { type, size, signed, shape, chunks } = dataset.metadata;
    const isFloat = type === 1 || this.halves.has(key);
    const kind = isFloat ? "float" : type === 0 ? (signed ? "int" : "uint") : undefined;
    return {
      shape: shape ?? [],
      dtype: kind ? `${kind}${size * 8}` : "other",
      chunks: chunks ?? undefined,
      compressed: dataset.filters.length > 0,
    };
  }

  /** All numbers of a small dataset, for example one column of a catalog. */
  numbers(key: string): Hdf5Numbers {
    return this.slice(key, 0, this.info(key).shape[0] ?? 1);
  }

  /**
   * Read rows (indices of the first axis) in any order, repeats allowed. Runs of neighboring rows
   * are read in one go, and each chunk is unpacked once a call.
   *
   * @param area Only this part of the second and third axes.
   * @returns The rows one after another, in the order asked for.
   */
  rows(key: string, rows: ArrayLike<number>, area?: Area): Uint8Array {
    const { shape, chunks } = this.info(key);
    const part: [number, number][] | undefined = area && [
      [area.top, area.top + area.height],
      [area.left, area.left + area.width],
    ];
    const inner = area ? [area.height, area.width, ...shape.slice(3)] : shape.slice(1);
    const rowSize = inner.reduce((a, b) => a * b, 1);
    const out = new Uint8Array(rows.length * rowSize);
    const order = Array.from(rows, (row, place) => ({ row, place })).sort((a, b) => a.row - b.row);
    // A chunk that spans rows is unpacked whole anyway: read the wanted part of it at once.
    const reach = Math.max(1, chunks?.[0] ?? 1);
    for (let from = 0; from < order.length; ) {
      const first = order[from].row;
      if (!Number.isInteger(first) || first < 0 || first >= shape[0]) {
        throw new RangeError(`${this.path}: row ${first} of '${key}', which has ${shape[0]} rows`);
      }
      let to = from + 1;
      while (
        to < order.length &&
        (order[to].row - first + 1) * rowSize <= largestSlice &&
        joins(order[to - 1].row, order[to].row, reach)
      ) {
        to++;
      }
      const last = Math.min(order[to - 1].row, shape[0] - 1);
      const block = this.slice(key, first, last + 1, part);
      for (; from < to; from++) {
        const { row, place } = order[from];
        const start = (row - first) * rowSize;
        out.set(block.subarray(start, start + rowSize), place * rowSize);
      }
    }
    return out;
  }

  /** Release the file. */
  close(): void {
    if (this.open) this.file.close();
    this.open = false;
  }

  private slice(
    key: string,
    from: number,
    to: number,
    part: readonly [number, number][] = [],
  ): Hdf5Numbers {
    const dataset = this.dataset(key);
    const filter = unreadFilter(dataset);
    try {
      const data = dataset.shape?.length ? dataset.slice([[from, to], ...part]) : dataset.value;
      if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
        return Float64Array.from(data, Number);
      }
      if (this.halves.has(key)) return Float32Array.from(data as Uint16Array, halfToNumber);
      if (ArrayBuffer.isView(data)) return data as Hdf5Numbers;
    } catch (error) {
      throw new UserError(
        `${this.path}: '${key}', rows ${from}–${to - 1} cannot be read: ${filter ? `they are packed by ${filter}, which is not read here` : reason(error)}.`,
        filter
          ? "Write it again with gzip, for example by h5repack -f GZIP=4 old.h5 new.h5."
          : "The file is damaged: delete it and download or make it again.",
        { cause: error },
      );
    }
    throw new UserError(
      `${this.path}: '${key}' holds no numbers (${JSON.stringify(dataset.dtype)}).`,
      "Store it as integers or floats.",
    );
  }

  private entity(key: string) {
    try {
      return this.file.get(key);
    } catch (error) {
      throw new UserError(
        `${this.path}: '${key}' cannot be opened: ${reason(error)}.`,
        "Check the file with h5ls, or download or make it again.",
        { cause: error },
      );
    }
  }

  private prepare(key: string, { metadata }: Hdf5LibraryDataset): void {
    const { size, type, shape } = metadata;
    const bytes = (shape ?? []).reduce((a, b) => a * b, size);
    if (bytes > Math.max(leastLimit, largestRatio * this.size)) {
      throw new UserError(
        `${this.path}: '${key}' claims ${bytes} bytes, in a file of ${this.size}.`,
        "The file is damaged: delete it and download or make it again.",
      );
    }
    if (type !== 1 || size !== 2) return;
    this.halves.add(key);
    Object.assign(metadata, { type: 0, signed: false });
  }

  private dataset(key: string): Hdf5LibraryDataset {
    if (!this.open) throw new Error(`${this.path} is closed`);
    let dataset = this.datasets.get(key);
    if (!dataset) {
      const entity = this.has(key) ? this.entity(key) : null;
      if (!entity || !("slice" in entity)) {
        throw new UserError(
          `${this.path}: no dataset '${key}'; the file has ${this.keys().join(", ") || "nothing"}.`,
          `Store the data under the key '${key}'.`,
        );
      }
      dataset = entity;
      this.prepare(key, dataset);
      this.datasets.set(key, dataset);
    }
    return dataset;
  }
}
