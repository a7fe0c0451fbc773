import { randomBytes } from "node:crypto";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { UserError } from "../errors";

// Local names for the library's types: the package is an ES module, loaded on first use, and must
// not appear in the emitted declarations (older compilers cannot resolve it there).
type Library = typeof import("h5wasm/node", { with: { "resolution-mode": "import" }});
type LibraryFile = InstanceType<Library["File"]>;
type LibraryDataset = InstanceType<Library["Dataset"]>;

/** Numbers of one HDF5 dataset, in the file's own type (64-bit integers become doubles). */
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
  readonly shape: readonly number[];
  /** NumPy's name of the type: `uint8`, `int64`, `float32`, …; `other` for text and compounds. */
  readonly dtype: string;
  /** Extent of one chunk, or `undefined` where the data lie in one piece. */
  readonly chunks: readonly number[] | undefined;
  readonly compressed: boolean;
}

let loading: Promise<Library> | undefined;

function load(): Promise<Library> {
  loading ??= (async () => {
    const library = await import("h5wasm/node");
    const module = await library.ready;
    module.activate_throwing_error_handler();
    return library;
  })();
  return loading;
}

/** Bytes read in one go at most: the library's memory never shrinks again. */
const largestSlice = 32 * 2 ** 20;

function joins(previous: number, next: number, reach: number): boolean {
  return next - previous <= 1 || Math.floor(previous / reach) === Math.floor(next / reach);
}

/** The last line of HDF5's error stack says what went wrong; those before it say who called whom. */
function reason(error: unknown): string {
  const message = String(error instanceof Error ? error.message : error);
  const system = /error message = '([^']+)'/.exec(message)?.[1];
  if (system) return system;
  const lines = message.split("\n");
  const told = lines.map((line) => /\(\): (.*)$/.exec(line)?.[1]).filter((x) => x !== undefined);
  return told.at(-1) ?? lines[0];
}

/** An HDF5 file open for reading. Datasets are read a few rows at a time; nothing is kept. */
export class Hdf5File {
  private open = true;
  private readonly datasets = new Map<string, LibraryDataset>();

  private constructor(
    readonly path: string,
    private readonly file: LibraryFile,
  ) {}

  /**
   * @param path An HDF5 file.
   * @throws UserError when there is no such file, it is not HDF5, or it is truncated.
   */
  static async open(path: string): Promise<Hdf5File> {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) {
      throw new UserError(
        `${path}: ${found ? "is not a file" : "no such file"}; expected an HDF5 file.`,
        "Check the path.",
      );
    }
    const library = await load();
    try {
      return new Hdf5File(path, new library.File(resolve(path), "r"));
    } catch (error) {
      const message = String(error instanceof Error ? error.message : error);
      const ends = /truncated file: eof = (\d+).*stored_eof = (\d+)/.exec(message);
      if (ends || found.size === 0) {
        const size = ends ? `${ends[1]} of ${ends[2]} bytes are there` : "the file is empty";
        throw new UserError(
          `${path}: truncated HDF5 file (${size}).`,
          "Delete it and download or make it again.",
          { cause: error },
        );
      }
      const what = /signature not found/.test(message) ? "not an HDF5 file" : reason(error);
      throw new UserError(
        `${path}: ${what}.`,
        "Give an HDF5 file (.h5), for example one in Galaxy10's layout.",
        { cause: error },
      );
    }
  }

  /** Names of what lies at the top of the file. */
  keys(): string[] {
    return this.file.keys();
  }

  has(key: string): boolean {
    return this.keys().includes(key);
  }

  /** @throws UserError naming the file and its keys when `key` is missing or no dataset. */
  info(key: string): Hdf5Info {
    const dataset = this.dataset(key);
    const { type, size, signed, shape, chunks } = dataset.metadata;
    const kind = type === 0 ? (signed ? "int" : "uint") : type === 1 ? "float" : undefined;
    return {
      shape: shape ?? [],
      dtype: kind ? `${kind}${size * 8}` : "other",
      chunks: chunks ?? undefined,
      compressed: dataset.filters.length > 0,
    };
  }

  /** All numbers of a small dataset, for example one column of a catalogue. */
  numbers(key: string): Hdf5Numbers {
    return this.slice(key, 0, this.info(key).shape[0] ?? 1);
  }

  /**
   * Read rows (indices of the first axis) in any order, repeats allowed. Runs of neighbouring rows
   * are read in one go, and each chunk is unpacked once a call.
   *
   * @returns The rows one after another, in the order asked for.
   */
  rows(key: string, rows: ArrayLike<number>): Uint8Array {
    const { shape, chunks } = this.info(key);
    const rowSize = shape.slice(1).reduce((a, b) => a * b, 1);
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
      const block = this.slice(key, first, last + 1);
      for (; from < to; from++) {
        const { row, place } = order[from];
        const start = (row - first) * rowSize;
        out.set(block.subarray(start, start + rowSize), place * rowSize);
      }
    }
    return out;
  }

  close(): void {
    if (this.open) this.file.close();
    this.open = false;
  }

  private slice(key: string, from: number, to: number): Hdf5Numbers {
    const dataset = this.dataset(key);
    try {
      const data = dataset.shape?.length ? dataset.slice([[from, to]]) : dataset.value;
      if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
        return Float64Array.from(data, Number);
      }
      if (ArrayBuffer.isView(data)) return data as Hdf5Numbers;
    } catch (error) {
      throw new UserError(
        `${this.path}: '${key}', rows ${from}–${to - 1} cannot be read: ${reason(error)}.`,
        "The file is damaged: delete it and download or make it again.",
        { cause: error },
      );
    }
    throw new UserError(
      `${this.path}: '${key}' holds no numbers (${JSON.stringify(dataset.dtype)}).`,
      "Store it as integers or floats.",
    );
  }

  private dataset(key: string): LibraryDataset {
    if (!this.open) throw new Error(`${this.path} is closed`);
    let dataset = this.datasets.get(key);
    if (!dataset) {
      const entity = this.has(key) ? this.file.get(key) : null;
      if (!entity || !("slice" in entity)) {
        throw new UserError(
          `${this.path}: no dataset '${key}'; the file has ${this.keys().join(", ") || "nothing"}.`,
          `Store the data under the key '${key}'.`,
        );
      }
      dataset = entity;
      this.datasets.set(key, dataset);
    }
    return dataset;
  }
}

/**
 * An HDF5 file being written. It appears under its name only when {@link Hdf5Writer.finish}
 * succeeds: until then it lies beside, so that nobody meets half a file.
 */
export class Hdf5Writer {
  private readonly growing = new Map<string, LibraryDataset>();

  private constructor(
    readonly path: string,
    private readonly partial: string,
    private readonly file: LibraryFile,
  ) {}

  static async create(path: string): Promise<Hdf5Writer> {
    const library = await load();
    await mkdir(dirname(resolve(path)), { recursive: true });
    const partial = `${resolve(path)}.${randomBytes(4).toString("hex")}.partial`;
    try {
      return new Hdf5Writer(path, partial, new library.File(partial, "w"));
    } catch (error) {
      throw failedWrite(path, error);
    }
  }

  /** Write a whole dataset in the type of `data`. */
  write(key: string, data: Hdf5Numbers, shape: readonly number[] = [data.length]): void {
    try {
      this.file.create_dataset({ name: key, data, shape: [...shape] });
    } catch (error) {
      throw failedWrite(this.path, error);
    }
  }

  /**
   * Append rows to a dataset that grows along its first axis, one chunk a row.
   *
   * @param gzip Level 1–9, or 0 for none.
   */
  append(key: string, data: Hdf5Numbers, rowShape: readonly number[], gzip = 0): void {
    const count = data.length / rowShape.reduce((a, b) => a * b, 1);
    try {
      const dataset = this.growing.get(key);
      if (dataset) {
        const rows = dataset.shape?.[0] ?? 0;
        dataset.resize([rows + count, ...rowShape]);
        dataset.write_slice([[rows, rows + count]], data);
      } else {
        const created = this.file.create_dataset({
          name: key,
          data,
          shape: [count, ...rowShape],
          maxshape: [null, ...rowShape],
          chunks: [1, ...rowShape],
          ...(gzip > 0 ? { compression: gzip } : {}),
        });
        this.growing.set(key, created);
      }
    } catch (error) {
      throw failedWrite(this.path, error);
    }
  }

  /** Close the file and give it its name. */
  async finish(): Promise<void> {
    try {
      this.file.close();
      await rename(this.partial, this.path);
    } catch (error) {
      await rm(this.partial, { force: true });
      throw failedWrite(this.path, error);
    }
  }

  /** Drop what was written. */
  async abandon(): Promise<void> {
    try {
      this.file.close();
    } catch {
      // Nothing of it is kept, so a failing flush does not matter.
    }
    await rm(this.partial, { force: true });
  }
}

function failedWrite(path: string, error: unknown): UserError {
  return new UserError(
    `${path}: cannot be written: ${reason(error)}.`,
    "Check that the folder may be written and the disk has room, then run again.",
    { cause: error },
  );
}
