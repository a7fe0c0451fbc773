declare module "seek-bzip" {
  /** Decompress a whole bzip2 stream, byte by byte. */
  export function decode(input: Uint8Array, output: { writeByte(byte: number): void }): unknown;
}
