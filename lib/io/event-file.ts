import { closeSync, openSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { writeError } from "./atomic";
import { Message } from "./protobuf";

/** How the names of event files begin; TensorBoard finds them by it. */
export const EVENT_FILE = "events.out.tfevents.";

let opened = 0;

/**
 * A file of summaries that TensorBoard reads: protocol buffers in TFRecord frames, each with masked
 * CRC-32C sums. Every call writes one whole record, so a file that ends early is readable up to there.
 *
 * `wandb sync FOLDER` uploads such a folder to Weights & Biases.
 */
export class EventFile {
  private readonly descriptor: number;

  /** @param folder Where a new file is begun; TensorBoard joins it with those that are there. */
  constructor(folder: string) {
    const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, "0");
    const name = `${EVENT_FILE}${seconds}.${hostname()}.${process.pid}.${opened++}`;
    const path = join(folder, name);
    try {
      this.descriptor = openSync(path, "a");
    } catch (error) {
      throw writeError(path, error);
    }
    this.write(new Message().double(1, Date.now() / 1000).string(3, "brain.Event:2"));
  }

  /** One number of a curve. */
  scalar(tag: string, step: number, value: number): void {
    this.summary(step, new Message().string(1, tag).float(2, value));
  }

  /** @param png A picture of height × width pixels, as a PNG file. */
  image(tag: string, step: number, png: Uint8Array, size: readonly [number, number]): void {
    const image = new Message().varint(1, size[0]).varint(2, size[1]).varint(3, 3).bytes(4, png);
    this.summary(step, new Message().string(1, tag).message(4, image));
  }

  /** @param markdown Shown as such. */
  text(tag: string, step: number, markdown: string): void {
    const DT_STRING = 7;
    const shape = new Message().message(2, new Message().varint(1, 1));
    const tensor = new Message().varint(1, DT_STRING).message(2, shape).string(8, markdown);
    const plugin = new Message().message(1, new Message().string(1, "text"));
    this.summary(step, new Message().string(1, tag).message(8, tensor).message(9, plugin));
  }

  /** End the file. */
  close(): void {
    closeSync(this.descriptor);
  }

  private summary(step: number, value: Message): void {
    this.write(
      new Message()
        .double(1, Date.now() / 1000)
        .varint(2, step)
        .message(5, new Message().message(1, value)),
    );
  }

  private write(event: Message): void {
    writeSync(this.descriptor, frame(event.finish()));
  }
}

/** A TFRecord: length, its checksum, the data, their checksum. */
function frame(data: Uint8Array): Uint8Array {
  const record = Buffer.alloc(data.length + 16);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return record;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc;
});

/** CRC-32C (Castagnoli), rotated and shifted as TFRecord asks, so that sums of sums stay apart. */
export function maskedCrc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 255];
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
