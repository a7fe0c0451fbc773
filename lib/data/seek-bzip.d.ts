declare module "seek-bzip" {
  /** Decompress a whole bzip2 stream. */
  export function decode(input: Uint8Array): Buffer;
}
