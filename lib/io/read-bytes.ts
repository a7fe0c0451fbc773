import { readSync } from "node:fs";
import { UserError } from "../core/errors";

/**
 * Read a part of a file that is open, however long it is.
 *
 * @param path For the message.
 * @param from Where it begins, bytes.
 * @throws UserError when the file ends before
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
    const part = readSync(descriptor, into, done, Math.min(bytes - done, 2 ** 30), from + done);
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
