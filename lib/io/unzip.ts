import { createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { UserError } from "../core/errors";
import { systemError } from "../core/system-errors";
import { atomicPath, makeFolder } from "./atomic";

/** How much {@link unzipFiles} takes out of an archive. */
export interface UnzipLimits {
  /** Bytes of one file; 64 MiB by default, more than an image of galaxies has. */
  readonly entry?: number;
  /** Bytes of all files together; 64 GiB by default. */
  readonly total?: number;
}

/** File types in the upper half of a ZIP entry's attributes, as Unix has them. */
const fileType = 0o170000;
const symbolicLink = 0o120000;

/**
 * Unpack files of a ZIP archive into one flat folder. Those that are there already, whole, are left
 * alone: an interrupted run goes on where it stopped. Symbolic links are passed over. A file takes its
 * name only when its checksum is right.
 *
 * @param wanted Which files, by their names without folders; hidden ones are passed over.
 * @param onProgress Called after each entry of the archive.
 * @returns How many such files the archive holds.
 * @throws UserError when the archive is damaged, two of its files have one name, a file or all of them
 * are larger than the limits, or the disk is full
 */
export async function unzipFiles(
  archive: string,
  folder: string,
  wanted: RegExp,
  onProgress?: (done: number, total: number) => void,
  { entry: largest = 2 ** 26, total: most = 2 ** 36 }: UnzipLimits = {},
): Promise<number> {
  const { openZip } = await import("./zip-archive.js");
  makeFolder(folder);
  const seen = new Set<string>();
  let count = 0;
  let bytes = 0;
  const refuse = (problem: string): never => {
    throw new UserError(
      `${archive}: ${problem}.`,
      "Delete it and download it again; if it is right as it is, unpack it yourself.",
    );
  };
  let zip: Awaited<ReturnType<typeof openZip>> | undefined;
  try {
    zip = await openZip(archive);
    for await (const entry of zip.eachEntry()) {
      onProgress?.(++count, zip.entryCount);
      // Only the name counts, so that nothing is written outside; "._x" is macOS's own.
      const name = basename(entry.fileName);
      if (!wanted.test(name) || name.startsWith(".")) continue;
      if (((entry.externalFileAttributes >>> 16) & fileType) === symbolicLink) continue;
      if (seen.has(name)) refuse(`two of its files are called ${name}`);
      seen.add(name);
      const size = entry.uncompressedSize;
      bytes += size;
      if (size > largest) refuse(`${name} has ${size} bytes, more than the ${largest} allowed`);
      if (bytes > most) refuse(`its files have more than the ${most} bytes allowed`);
      const target = join(folder, name);
      if ((await stat(target).catch(() => undefined))?.size === size) continue;
      const opened = zip;
      await atomicPath(
        target,
        async (path) => {
          const sum = checksum();
          // It ends with an error when more than `size` bytes come out.
          const source = await opened.openReadStreamPromise(entry);
          // A damaged entry may err again when nobody listens any more, which would end the program.
          source.on("error", () => {});
          await pipeline(source, sum.stream, createWriteStream(path));
          if (sum.value() !== entry.crc32) refuse(`the checksum of ${name} is wrong`);
        },
        { fsync: false },
      );
    }
    return seen.size;
  } catch (error) {
    const known = systemError(error, archive, "cannot be unpacked");
    if (known instanceof UserError) throw known;
    return refuse(`cannot be unpacked (${error instanceof Error ? error.message : error})`);
  } finally {
    zip?.close();
  }
}

/** A stream that changes nothing and knows the CRC-32 of what went through. */
function checksum() {
  let sum = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sum = crc32(chunk, sum);
      done(null, chunk);
    },
  });
  return { stream, value: () => sum };
}
