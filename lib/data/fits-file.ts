import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { decode } from "seek-bzip";
import { UserError } from "../core/errors";
import { FitsFile } from "./fits";
import type { FitsBytes } from "./fits-hdus";

/** A packed file may unpack to so many bytes whatever its size, and to so many times its size. */
const leastLimit = 2 ** 27;
const usualRatio = 20;

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
  const found = fstatSync(file);
  if (found.isDirectory()) {
    closeSync(file);
    throw new UserError(`${path} is a folder.`, "Give a FITS file.");
  }
  const { size } = found;
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
    return { size, read, gunzip, close: () => closeSync(file) };
  }
  closeSync(file);
  const limit = Math.max(leastLimit, usualRatio * size);
  try {
    const packed = readFileSync(path);
    const data =
      start === "BZh" ? unpackBzip2(packed, limit) : gunzipSync(packed, { maxOutputLength: limit });
    return {
      size: data.length,
      read: (offset, length) => data.subarray(offset, offset + length),
      gunzip,
      close: () => {},
    };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new UserError(
        `${path}: its ${size} bytes unpack to more than ${limit}, which no image does.`,
        "Unpack it yourself if it is right, and give the file that comes out.",
        { cause },
      );
    }
    throw new UserError(
      `${path}: cannot be unpacked (${cause instanceof Error ? cause.message : cause}).`,
      "The file is damaged or incomplete: download it again.",
      { cause },
    );
  }
}

function gunzip(packed: Uint8Array, limit: number): Uint8Array | undefined {
  try {
    return gunzipSync(packed, { maxOutputLength: limit });
  } catch {
    return undefined;
  }
}

function unpackBzip2(packed: Uint8Array, limit: number): Buffer {
  let buffer = Buffer.alloc(2 ** 16);
  let length = 0;
  decode(packed, {
    writeByte(byte) {
      if (length >= limit) {
        throw Object.assign(new Error("too large"), { code: "ERR_BUFFER_TOO_LARGE" });
      }
      if (length === buffer.length) buffer = Buffer.concat([buffer], 2 * length);
      buffer[length++] = byte;
    },
  });
  return buffer.subarray(0, length);
}
