import { close, fstatSync, openSync, read } from "node:fs";
import { Readable } from "node:stream";
import { fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from "yauzl";

/**
 * Open a ZIP archive. The library's own way of opening a file ends the program where a damaged archive
 * says that something lies beyond the end of the file, since Node refuses such a place by a throw.
 *
 * @returns the caller's to close
 * @throws Error of the system, or of the library when the archive is damaged
 */
export async function openZip(path: string): Promise<ZipFile> {
  const archive = new FileReader(openSync(path, "r"));
  try {
    return await fromRandomAccessReaderPromise(archive, archive.size, { autoClose: false });
  } catch (error) {
    await new Promise<void>((done) => archive.close(() => done()));
    throw error;
  }
}

/** Reads a file where it is asked to, if that lies in the file. */
class FileReader extends RandomAccessReader {
  readonly size: number;

  constructor(private readonly descriptor: number) {
    super();
    this.size = fstatSync(descriptor).size;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    if (!(position >= 0 && position + length <= this.size)) {
      setImmediate(callback, new Error("it says that a part of it lies behind its end"));
      return;
    }
    read(this.descriptor, buffer, offset, length, position, (error, count) => {
      callback(error ?? (count < length ? new Error("it ends too early") : null));
    });
  }

  override _readStreamForRange(start: number, end: number): Readable {
    // A stream of Node's own closes the file when the library has done with the stream.
    const { descriptor } = this;
    const last = Math.min(end, this.size);
    let at = start;
    return new Readable({
      read(wanted) {
        const chunk = Buffer.alloc(Math.max(0, Math.min(wanted, last - at)));
        if (chunk.length === 0) return void this.push(null);
        read(descriptor, chunk, 0, chunk.length, at, (error, count) => {
          at += count;
          if (error) this.destroy(error);
          else this.push(count > 0 ? chunk.subarray(0, count) : null);
        });
      },
    });
  }

  override close(callback: (error: Error | null) => void): void {
    close(this.descriptor, (error) => callback(error ?? null));
  }
}
