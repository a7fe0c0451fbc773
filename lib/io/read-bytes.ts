import { readSync } from "node:fs";
import { UserError } from "../core/errors";
import { systemError } from "../core/system-errors";

/**
 * Read a part of a file that is open, however long it is.
 *
 * @param path For the message.
 * @param from Where it begins, bytes.
 * @throws UserError when the file ends before, or is a folder, or the disk fails
 */
export function readBytes(
  descriptor: number,
  path: string,
  from: number,
  bytes: number,
): Uint8Array {
  const into = new Uint8Array(bytes);
  let done = 0;
  // One call reads less than 2 GiB.
  while (done < bytes) {
    const part = readPart(path, () =>
      readSync(descriptor, into, done, Math.min(bytes - done, 2 ** 30), from + done),
    );
    if (part === 0) {
      throw new UserError(
        `${path} is cut off, or became shorter while it was read`,
        "try again; if that does not help, copy or write it again",
      );
    }
    done += part;
  }
  return into;
}

/** Errors of a read do not say of which file. */
function readPart(path: string, read: () => number): number {
  try {
    return read();
  } catch (error) {
    throw systemError(error, path, "cannot be read");
  }
}
