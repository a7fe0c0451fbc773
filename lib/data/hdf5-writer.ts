import { rm } from "node:fs/promises";
import { UserError } from "../core/errors";
import { systemCode } from "../core/system-errors";
import { removeStale, replaceFile, temporaryPath, writeError } from "../io/atomic";
import type { Hdf5Numbers } from "./hdf5";
import { type Hdf5LibraryDataset, type Hdf5LibraryFile, loadHdf5, reason } from "./hdf5-library";

/**
 * An HDF5 file being written. It appears under its name only when {@link Hdf5Writer.finish}
 * succeeds: until then it lies beside, so that nobody meets half a file.
 */
export class Hdf5Writer {
  private readonly growing = new Map<string, Hdf5LibraryDataset>();

  private constructor(
    /** Of the file. */
    readonly path: string,
    private readonly partial: string,
    private readonly file: Hdf5LibraryFile,
  ) {}

  /**
   * Begin a file; it takes its name when {@link Hdf5Writer.finish} is called.
   *
   * @throws UserError when it cannot be written
   */
  static async create(path: string): Promise<Hdf5Writer> {
    const library = await loadHdf5();
    const partial = temporaryPath(path);
    removeStale(path);
    try {
      return new Hdf5Writer(path, partial, new library.File(partial, "w"));
    } catch (error) {
      await rm(partial, { force: true });
      throw failedWrite(path, error);
    }
  }

  /**
   * Write a whole dataset in the type of `data`.
   *
   * @param packing Extent of a chunk and gzip level, to compress it.
   */
  write(
    key: string,
    data: Hdf5Numbers,
    shape: readonly number[] = [data.length],
    packing?: { chunks: readonly number[]; gzip: number },
  ): void {
    const how = packing ? { chunks: [...packing.chunks], compression: packing.gzip } : {};
    try {
      this.file.create_dataset({ name: key, data, shape: [...shape], ...how });
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
      replaceFile(this.partial, this.path);
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

function failedWrite(path: string, error: unknown): unknown {
  if (systemCode(error) !== undefined) return writeError(path, error);
  return new UserError(
    `${path}: cannot be written: ${reason(error)}.`,
    "Check that the folder may be written and the disk has room, then run again.",
    { cause: error },
  );
}
