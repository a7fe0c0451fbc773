import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../core/errors";
import { systemError } from "../core/system-errors";

/** How a file is put in its place. */
export interface AtomicOptions {
  /**
   * Wait until the disk has it, so that it survives a power cut. Default true; false for thousands of
   * small files that can be made again.
   */
  readonly fsync?: boolean;
}

const ENDING = ".partial";
/** A part that nobody has written to for so long was left by a process that was killed, ms. */
const STALE = 3_600_000;

/**
 * Write a small file, so that whenever the process dies the old or the new one is there, whole. Its
 * folder is made where it is missing.
 *
 * @throws UserError naming the file when the disk is full or the folder may not be written
 */
export function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options?: AtomicOptions,
): void {
  atomicPathSync(path, (temporary) => writeFileSync(temporary, content), options);
}

/**
 * Make a file under a temporary name beside `path`, then give it its own. If `write` throws, `path`
 * stays as it was and nothing is left beside it.
 *
 * @param write Writes and closes the file at the path that it is given.
 * @returns what `write` returns
 * @throws UserError naming the file when the disk is full or the folder may not be written
 */
export async function atomicPath<T>(
  path: string,
  write: (temporary: string) => Promise<T>,
  options?: AtomicOptions,
): Promise<T> {
  const temporary = temporaryPath(path);
  try {
    const result = await write(temporary);
    replaceFile(temporary, path, options);
    return result;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw writeError(path, error);
  }
}

/** {@link atomicPath} for a `write` that does not wait for anything. */
export function atomicPathSync<T>(
  path: string,
  write: (temporary: string) => T,
  options?: AtomicOptions,
): T {
  const temporary = temporaryPath(path);
  try {
    const result = write(temporary);
    replaceFile(temporary, path, options);
    return result;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw writeError(path, error);
  }
}

/**
 * A name beside `path` that no other writer has, for a file that {@link replaceFile} puts in its place.
 * Its folder is made.
 *
 * @throws UserError when the folder cannot be made
 */
export function temporaryPath(path: string): string {
  try {
    const target = targetOf(path);
    makeFolder(dirname(target));
    return `${target}.${randomBytes(6).toString("hex")}${ENDING}`;
  } catch (error) {
    throw writeError(path, error);
  }
}

/** Whether {@link temporaryPath} gave this name: what is left of a process that was killed. */
export function isTemporary(name: string): boolean {
  return name.endsWith(ENDING);
}

/** Give a finished temporary file its name, in one move. */
export function replaceFile(temporary: string, path: string, options: AtomicOptions = {}): void {
  if (options.fsync !== false) {
    const descriptor = openSync(temporary, "r+");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
  renameSync(temporary, targetOf(path));
}

/** Remove what killed processes left beside a file: its temporary copies older than an hour. */
export function removeStale(path: string): void {
  const folder = dirname(resolve(path));
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${basename(path)}.`) || !isTemporary(name)) continue;
    const found = statSync(join(folder, name), { throwIfNoEntry: false });
    if (found && Date.now() - found.mtimeMs > STALE) rmSync(join(folder, name), { force: true });
  }
}

/** A disk's or folder's refusal in words that name the file; any other error as it is. */
export function writeError(path: string, error: unknown): unknown {
  const own = (error as { readonly path?: unknown } | undefined)?.path;
  // A file that was read meanwhile is the one to name.
  const isOther = typeof own === "string" && !basename(own).startsWith(basename(path));
  return isOther ? systemError(error) : systemError(error, path, "cannot be written");
}

/**
 * Make a folder, and those above it, where they are missing.
 *
 * @throws UserError naming the folder when that is not possible
 */
export function makeFolder(path: string): void {
  try {
    makeMissing(resolve(path));
  } catch (error) {
    // Something of this name that is no folder.
    if (codeOf(error) === "EEXIST") {
      throw new UserError(
        `${path} cannot be made: it is a file, not a folder`,
        "give another path",
        {
          cause: error,
        },
      );
    }
    if (codeOf(error) === "ENOENT") {
      throw new UserError(
        `${path} cannot be made: the system makes no folders there (ENOENT)`,
        "give another path",
        { cause: error },
      );
    }
    throw systemError(error, path, "cannot be made");
  }
}

/** One after another: where the system makes no folders, as in `/proc`, Node's own way never ends. */
function makeMissing(path: string): void {
  const isFolder = () => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isFolder()) return;
  if (dirname(path) !== path) makeMissing(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (codeOf(error) !== "EEXIST" || !isFolder()) throw error;
  }
}

/** The system's code of an error; empty where it has none. */
export function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown } | undefined)?.code ?? "");
}

/**
 * Find out before long work whether its result can be written.
 *
 * @throws UserError when a file at `path` could not be made or replaced
 */
export function checkWritable(path: string): void {
  const temporary = temporaryPath(path);
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      throw new UserError(`${path} cannot be written: it is a folder`, "give the path of a file");
    }
    writeFileSync(temporary, "");
  } catch (error) {
    throw writeError(path, error);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** The file that is replaced: where a link leads, not the link. */
function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    // Not there, or gone this moment, as a lock is that another process releases.
    if (codeOf(error) === "ENOENT") return resolve(path);
    throw error;
  }
}
