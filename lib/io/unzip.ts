import { createWriteStream } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { UserError } from "../core/errors";
import { imageEndings } from "../data/image-files";
import { atomicPath } from "./atomic";

/**
 * Unpack the images of a ZIP archive into one flat folder. Those that are there already, whole, are
 * left alone: an interrupted run goes on where it stopped.
 *
 * @returns How many images the archive holds.
 */
export async function unzipImages(
  archive: string,
  folder: string,
  onProgress?: (done: number, total: number) => void,
): Promise<number> {
  const { openPromise } = await import("yauzl");
  await mkdir(folder, { recursive: true });
  try {
    const zip = await openPromise(archive, { autoClose: false, lazyEntries: true });
    let seen = 0;
    let images = 0;
    for await (const entry of zip.eachEntry()) {
      onProgress?.(++seen, zip.entryCount);
      // Only the name counts, so that nothing is written outside; "._x" is macOS's own.
      const name = basename(entry.fileName);
      if (!imageEndings.test(name) || name.startsWith(".")) continue;
      images++;
      const target = join(folder, name);
      if ((await stat(target).catch(() => undefined))?.size === entry.uncompressedSize) continue;
      const source = await zip.openReadStreamPromise(entry);
      await atomicPath(target, (path) => pipeline(source, createWriteStream(path)), {
        fsync: false,
      });
    }
    zip.close();
    return images;
  } catch (error) {
    throw new UserError(
      `${archive}: cannot be unpacked (${error instanceof Error ? error.message : error}).`,
      "Check that the disk has room; if the archive is damaged, delete it and download it again.",
      { cause: error },
    );
  }
}
