import { createWriteStream } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { UserError } from "../core/errors";
import { atomicPath } from "./atomic";

/**
 * Unpack files of a ZIP archive into one flat folder. Those that are there already, whole, are left
 * alone: an interrupted run goes on where it stopped.
 *
 * @param wanted Which files, by their names without folders; hidden ones are passed over.
 * @param onProgress Called after each entry of the archive.
 * @returns How many such files the archive holds.
 * @throws UserError when the archive is damaged or the disk is full
 */
export async function unzipFiles(
  archive: string,
  folder: string,
  wanted: RegExp,
  onProgress?: (done: number, total: number) => void,
): Promise<number> {
  const { openPromise } = await import("yauzl");
  await mkdir(folder, { recursive: true });
  try {
    const zip = await openPromise(archive, { autoClose: false, lazyEntries: true });
    let seen = 0;
    let count = 0;
    for await (const entry of zip.eachEntry()) {
      onProgress?.(++seen, zip.entryCount);
      // Only the name counts, so that nothing is written outside; "._x" is macOS's own.
      const name = basename(entry.fileName);
      if (!wanted.test(name) || name.startsWith(".")) continue;
      count++;
      const target = join(folder, name);
      if ((await stat(target).catch(() => undefined))?.size === entry.uncompressedSize) continue;
      const source = await zip.openReadStreamPromise(entry);
      await atomicPath(target, (path) => pipeline(source, createWriteStream(path)), {
        fsync: false,
      });
    }
    zip.close();
    return count;
  } catch (error) {
    throw new UserError(
      `${archive}: cannot be unpacked (${error instanceof Error ? error.message : error}).`,
      "Check that the disk has room; if the archive is damaged, delete it and download it again.",
      { cause: error },
    );
  }
}
