import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { decode } from "seek-bzip";
import { UserError } from "../core/errors";
import { type FitsBytes, FitsFile } from "./fits";

/**
 * Open a FITS file, plain or packed by gzip or bzip2. Headers are read at once, data when asked for.
 *
 * @throws UserError when there is no such file, it is not FITS, or it ends before its data do.
 * @see Pence et al. 2010, A&A 524, A42 (FITS 3.0)
 */
export async function openFits(path: string): Promise<FitsFile> {
  const bytes = await openBytes(path);
  try {
    return new FitsFile(path, bytes);
  } catch (error) {
    bytes.close();
    throw error;
  }
}

async function openBytes(path: string): Promise<FitsBytes> {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (cause) {
    throw new UserError(`${path}: no such file, or not readable.`, "Check the path.", { cause });
  }
  const size = fstatSync(file).size;
  const read = (offset: number, length: number) => {
    const buffer = Buffer.alloc(length);
    let done = 0;
    for (let got = -1; got !== 0 && done < length; done += got) {
      got = readSync(file, buffer, done, length - done, offset + done);
    }
    return buffer.subarray(0, done);
  };
  const start = read(0, 3).toString("latin1");
  if (!start.startsWith("\x1f\x8b") && start !== "BZh") {
    return { size, read, close: () => closeSync(file) };
  }
  closeSync(file);
  try {
    const packed = readFileSync(path);
    const data = start === "BZh" ? decode(packed) : gunzipSync(packed);
    return {
      size: data.length,
      read: (offset, length) => data.subarray(offset, offset + length),
      close: () => {},
    };
  } catch (cause) {
    throw new UserError(
      `${path}: cannot be unpacked (${cause instanceof Error ? cause.message : cause}).`,
      "The file is damaged or incomplete: download it again.",
      { cause },
    );
  }
}
