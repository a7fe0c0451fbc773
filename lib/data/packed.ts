import { createHash } from "node:crypto";
import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../core/errors";
import { mapParallel } from "../core/parallel";
import { asText } from "../core/table";
import { atomicPath, removeStale, writeFileAtomic } from "../io/atomic";
import { withLock } from "../io/lock";
import type { Dataset } from "./dataset";
import { sameView } from "./view";

/**
 * The same data set with the pixels of its view in one file of plain bytes, from which any image is
 * read in one go and without holding up the program. Made on first use, in one pass over the data
 * set. Other views are read from the source.
 *
 * @param path Where the file is; it holds rows × height × width × 3 bytes.
 */
export async function packed(
  dataset: Dataset,
  path: string,
  onProgress?: (done: number, total: number) => void,
): Promise<Dataset> {
  const [height, width] = dataset.imageSize;
  const bytes = height * width * 3;
  const recipe = recipeOf(dataset);
  if (!(await isPacked(dataset, path, recipe))) await pack(dataset, path, recipe, onProgress);
  const file = await open(path, "r");
  return {
    ...dataset,
    block: undefined,
    async read(rows, view = dataset.view) {
      if (!sameView(view, dataset.view)) return dataset.read(rows, view);
      const out = new Uint8Array(rows.length * bytes);
      await mapParallel(Array.from(rows), 8, async (row, place) => {
        if (!(row >= 0 && row < dataset.size)) {
          throw new RangeError(`row ${row} of ${dataset.name}, which has ${dataset.size}`);
        }
        const { bytesRead } = await file.read(out, place * bytes, bytes, row * bytes);
        if (bytesRead !== bytes) {
          throw new UserError(`${path}: breaks off in row ${row}.`, "Delete it: it is made again.");
        }
      });
      return out;
    },
    async close() {
      await file.close();
      await dataset.close();
    },
  };
}

/** A file name for the packed pixels of a source that is read in a certain way. */
export async function packedPath(folder: string, source: string, how: object): Promise<string> {
  const { size, mtimeMs } = await stat(source);
  const key = JSON.stringify([source, size, mtimeMs, how]);
  const name = createHash("sha256").update(key).digest("hex").slice(0, 16);
  return join(folder, "packed", `${name}.u8`);
}

/** Two data sets with the same recipe have the same pixels. */
function recipeOf(dataset: Dataset): string {
  const ids = createHash("sha256").update(asText(dataset.table.id).join("\n")).digest("hex");
  const { name, size, imageSize } = dataset;
  return JSON.stringify({ name, size, imageSize, ids });
}

/** Of several processes one packs, and the others wait for it. */
async function pack(
  dataset: Dataset,
  path: string,
  recipe: string,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  await withLock(`${path}.lock`, path, async () => {
    if (await isPacked(dataset, path, recipe)) return;
    removeStale(path);
    await atomicPath(path, (temporary) => writePixels(dataset, temporary, onProgress));
    writeFileAtomic(`${path}.json`, recipe);
  });
}

/** The pixels are there, whole, and of this data set. */
async function isPacked(dataset: Dataset, path: string, recipe: string): Promise<boolean> {
  const [height, width] = dataset.imageSize;
  const found = await stat(path).catch(() => undefined);
  if (found?.size !== dataset.size * height * width * 3) return false;
  return (await readFile(`${path}.json`, "utf8").catch(() => undefined)) === recipe;
}

async function writePixels(
  dataset: Dataset,
  path: string,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  const [height, width] = dataset.imageSize;
  // Whole blocks of rows that are stored together, and not much more memory than they need.
  const block = dataset.block ?? 1;
  const few = Math.max(1, Math.floor(2 ** 24 / (height * width * 3)));
  const batch = block * Math.max(1, Math.floor(few / block));
  const file = await open(path, "w");
  try {
    for (let from = 0; from < dataset.size; from += batch) {
      const length = Math.min(batch, dataset.size - from);
      await file.appendFile(await dataset.read(Array.from({ length }, (_, i) => from + i)));
      onProgress?.(from + length, dataset.size);
    }
  } finally {
    await file.close();
  }
}
