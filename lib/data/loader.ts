import type { Random } from "../core/random";
import type { Dataset } from "./dataset";
import { sameView } from "./view";

/** A batch on the host: pixels as they are stored, and the rows that they come from. */
export interface HostBatch {
  /** uint8 RGB `[rows.length, height, width, 3]`. */
  readonly images: Uint8Array;
  /** Row of each image. */
  readonly rows: Uint32Array;
}

/** How rows are made into batches. */
export interface BatchOptions {
  /** Images of a batch. */
  readonly batchSize: number;
  /** Orders the rows; without it they come as they are. Drawn from once, at the start. */
  readonly shuffle?: Random;
  /** Leave out a last batch that is not full; false by default. */
  readonly dropLast?: boolean;
  /** Batches read ahead while the caller works; 2 by default. */
  readonly prefetch?: number;
  /** Start at this batch: the position of an epoch that was interrupted; 0 by default. */
  readonly start?: number;
}

/**
 * Go once through `rows` of a data set in batches. The next ones are read while the caller works
 * on this one: image files decode in other threads.
 *
 * To continue an epoch, give the same `shuffle` in the state that it had at the start of the epoch
 * and the number of batches already done as `start`.
 */
export async function* batches(
  dataset: Dataset,
  rows: ArrayLike<number>,
  options: BatchOptions,
): AsyncGenerator<HostBatch, void, undefined> {
  const { batchSize, shuffle, dropLast = false, prefetch = 2, start = 0 } = options;
  const order = shuffle?.permutation(rows.length);
  const count = batchCount(rows.length, batchSize, dropLast);

  const read = async (number: number): Promise<HostBatch> => {
    const from = number * batchSize;
    const length = Math.min(batchSize, rows.length - from);
    const chosen = Uint32Array.from({ length }, (_, i) => rows[order ? order[from + i] : from + i]);
    const images = await dataset.read(chosen);
    return { images, rows: chosen };
  };

  const ahead: Promise<HostBatch>[] = [];
  for (let next = start; next < count || ahead.length > 0; ) {
    for (; next < count && ahead.length <= prefetch; next++) {
      const batch = read(next);
      // A failure is met where the batch is awaited; nobody waits when the caller has left.
      batch.catch(() => {});
      ahead.push(batch);
    }
    const batch = ahead.shift();
    if (batch) yield await batch;
  }
}

/** Number of batches of an epoch. */
export function batchCount(rows: number, batchSize: number, dropLast = false): number {
  return dropLast ? Math.floor(rows / batchSize) : Math.ceil(rows / batchSize);
}

/** Decoded pixels are kept up to this many bytes. */
const cacheLimit = 512 * 2 ** 20;

/**
 * Keep the pixels of a data set's view in memory once they have been decoded, if they fit.
 *
 * @param rows How many rows will be used, if not all.
 * @param limit Bytes; a larger set is returned as it is.
 */
export function cached(dataset: Dataset, rows = dataset.size, limit = cacheLimit): Dataset {
  const bytes = dataset.imageSize[0] * dataset.imageSize[1] * 3;
  if (rows * bytes > limit) return dataset;
  const kept = new Map<number, Uint8Array>();
  return {
    ...dataset,
    async read(wanted, view = dataset.view) {
      if (!sameView(view, dataset.view)) return dataset.read(wanted, view);
      const all = Array.from(wanted);
      const missing = [...new Set(all)].filter((row) => !kept.has(row));
      if (missing.length > 0) {
        const pixels = await dataset.read(missing);
        for (const [i, row] of missing.entries()) {
          kept.set(row, pixels.slice(i * bytes, (i + 1) * bytes));
        }
        if (missing.length === all.length) return pixels;
      }
      const out = new Uint8Array(all.length * bytes);
      for (const [i, row] of all.entries()) {
        const image = kept.get(row);
        if (image) out.set(image, i * bytes);
      }
      return out;
    },
    async close() {
      kept.clear();
      await dataset.close();
    },
  };
}
