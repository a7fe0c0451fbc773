import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../core/errors";
import { mapParallel } from "../core/parallel";
import { asText } from "../core/table";
import { atomicPath, isTemporary, makeFolder, writeFileAtomic } from "../io/atomic";
import { countCrossing } from "./assign-splits";
import { classFolders } from "./class-folders";
import type { Dataset } from "./dataset";
import { findDuplicates } from "./duplicates";
import { type ExportItem, type ExportOptions, planExport } from "./export-plan";
import { decodeImage } from "./image-files";
import { labelsOf } from "./labels";
import { saveSplit } from "./splits";

/** What an export has written. */
export interface ExportReport {
  /** Where it was written. */
  readonly folder: string;
  /** Images by split and class folder. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Images that were there already. */
  readonly kept: number;
  /** Images that were written now. */
  readonly written: number;
  /** Images without a label: they belong in no class folder and are left out. */
  readonly unlabeled: number;
  /**
   * Objects that stand in more than one split: equal files, or positions within 2″. Always 0 unless the
   * data bring their split.
   */
  readonly crossing: number;
}

/**
 * Write a data set as `<folder>/<split>/<class>/<id>.png`, once: images that are there already are
 * kept, so an interrupted export goes on. Images of one object (equal files, or positions within 2″) go
 * to one split. The split is stored as `split.csv`. At the end every
 * image is read back (PNGs pixel by pixel) and the folders are counted.
 *
 * @throws UserError when the folder holds an export made otherwise, or an image differs.
 */
export async function exportFolders(
  dataset: Dataset,
  folder: string,
  options: ExportOptions = {},
): Promise<ExportReport> {
  const { format = "png", seed = 42, onProgress } = options;
  const { groups } = await findDuplicates(dataset, { images: "files" });
  const items = planExport(dataset, folder, options, groups);
  await startFolder(dataset, folder, { ...options, format, seed, onProgress: undefined });
  const classes = classFolders(dataset.classNames);
  for (const split of new Set(items.map((item) => item.split))) {
    for (const name of classes) makeFolder(join(folder, split, name));
  }
  const missing: ExportItem[] = [];
  for (const item of items) {
    if (!(await stat(item.path).catch(() => undefined))?.size) missing.push(item);
  }
  let done = items.length - missing.length;
  const batch = 64;
  for (let from = 0; from < missing.length; from += batch) {
    await writeBatch(dataset, missing.slice(from, from + batch), format);
    done = Math.min(done + batch, items.length);
    onProgress?.(done, items.length);
  }
  const firsts = new Map(items.map((item) => [item.row, item.split]));
  const ids = asText(dataset.table.id);
  const rows = [...firsts.keys()].sort((a, b) => a - b);
  await saveSplit(
    join(folder, "split.csv"),
    rows.map((row) => ids[row]),
    rows.map((row) => firsts.get(row) ?? ""),
  );
  await verify(dataset, items, format);
  const counts = await countImages(folder, items);
  const unlabeled = labelsOf(dataset).filter((label) => label < 0).length;
  const kept = items.length - missing.length;
  const splits = ids.map((_, row) => firsts.get(row) ?? "unused");
  const crossing = countCrossing(splits, groups);
  return { folder, counts, kept, written: missing.length, unlabeled, crossing };
}

/** An export goes on only in a folder that was begun in the same way. */
async function startFolder(dataset: Dataset, folder: string, options: object): Promise<void> {
  makeFolder(folder);
  const path = join(folder, "export.json");
  const now = `${JSON.stringify({ dataset: dataset.name, size: dataset.size, image: dataset.imageSize, ...options })}\n`;
  const before = await readFile(path, "utf8").catch(() => undefined);
  // A temporary file is what a killed export leaves of its first one.
  if (before === undefined && !(await readdir(folder)).every(isTemporary)) {
    throw new UserError(`${folder}: is not empty.`, "Give a new folder for the export.");
  }
  if (before !== undefined && before !== now) {
    throw new UserError(
      `${folder}: holds an export that was made otherwise (${before.trim()}).`,
      "Give a new folder, or delete this one.",
    );
  }
  writeFileAtomic(path, now);
}

async function writeBatch(
  dataset: Dataset,
  items: readonly ExportItem[],
  format: string,
): Promise<void> {
  const { default: sharp } = await import("sharp");
  const [height, width] = dataset.imageSize;
  const pixels = await dataset.read(items.map((item) => item.row));
  const bytes = height * width * 3;
  await mapParallel(items, 8, async ({ path }, i) => {
    const one = pixels.subarray(i * bytes, (i + 1) * bytes);
    const image = sharp(one, { raw: { width, height, channels: 3 } });
    try {
      const coded =
        format === "png" ? image.png() : image.jpeg({ quality: 95, chromaSubsampling: "4:4:4" });
      const bytes = await coded.toBuffer();
      await atomicPath(path, (temporary) => writeFile(temporary, bytes), { fsync: false });
    } catch (cause) {
      if (cause instanceof UserError) throw cause;
      throw new UserError(
        `${path}: cannot be written (${cause instanceof Error ? cause.message : cause}).`,
        "Run again: the export goes on where it stopped.",
        { cause },
      );
    }
  });
}

async function verify(
  dataset: Dataset,
  items: readonly ExportItem[],
  format: string,
): Promise<void> {
  const [height, width] = dataset.imageSize;
  const bytes = height * width * 3;
  for (let from = 0; from < items.length; from += 64) {
    const some = items.slice(from, from + 64);
    const pixels = await dataset.read(some.map((item) => item.row));
    await mapParallel(some, 8, async ({ path }, i) => {
      const read = await decodeImage(path, { width, height }, {});
      const wanted = pixels.subarray(i * bytes, (i + 1) * bytes);
      const same = format === "png" ? Buffer.compare(read, wanted) === 0 : read.length === bytes;
      if (same) return;
      throw new UserError(
        `${path}: is not the image that was written.`,
        "Delete the file and run the export again.",
      );
    });
  }
}

async function countImages(folder: string, items: readonly ExportItem[]) {
  const counts: Record<string, Record<string, number>> = {};
  for (const split of new Set(items.map((item) => item.split))) {
    counts[split] = {};
    for (const name of await readdir(join(folder, split))) {
      const files = await readdir(join(folder, split, name));
      const left = files.filter(isTemporary);
      for (const file of left) await rm(join(folder, split, name, file), { force: true });
      counts[split][name] = files.length - left.length;
    }
  }
  const total = Object.values(counts)
    .flatMap(Object.values)
    .reduce((a, b) => a + b, 0);
  if (total !== items.length) {
    throw new UserError(
      `${folder}: ${total} files in the class folders; expected ${items.length}.`,
      "Remove what does not belong there and run the export again.",
    );
  }
  return counts;
}
