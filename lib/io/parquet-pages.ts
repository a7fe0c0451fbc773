import { brotliDecompressSync, gunzipSync } from "node:zlib";
import type { AsyncBuffer, Compressors, PageHeader } from "hyparquet";

/** A column of a row group, as far as its pages must agree with it. */
export interface ColumnChunk {
  /** Rows of the group. */
  readonly rows: number;
  /** Whether values may be missing: each then has a level of one bit. */
  readonly isOptional: boolean;
  /** How its pages are compressed. */
  readonly codec: string;
}

/** What is left to be looked at of a page once it is unpacked. */
interface PagePlan {
  /** Values, missing ones among them. */
  readonly values: number;
  /** Whether levels come first. */
  readonly hasLevels: boolean;
  /** Whether the values are numbers of a dictionary, in runs. */
  readonly hasRuns: boolean;
}

/** A file whose pages are looked at before the library reads them. */
export interface GuardedPages {
  /** What the library is to read from. */
  readonly file: AsyncBuffer;
  /** What it is to unpack with. */
  readonly compressors: Compressors;
  /** To be told of a column before it is read. */
  expect(column: ColumnChunk): void;
}

type Unpack = (bytes: Uint8Array, length: number) => Uint8Array;

/** What is unpacked, no further than a page says that it goes. */
const unpackers: Readonly<Record<string, Unpack>> = {
  GZIP: (bytes, length) => gunzipSync(bytes, { maxOutputLength: Math.max(length, 1) }),
  BROTLI: (bytes, length) => brotliDecompressSync(bytes, { maxOutputLength: Math.max(length, 1) }),
};

/** How columns that can be read are compressed. */
export const READABLE_CODECS: readonly string[] = [
  "UNCOMPRESSED",
  "SNAPPY",
  ...Object.keys(unpackers),
];

/** Encodings that store numbers of a dictionary as runs. */
const RUNS = ["PLAIN_DICTIONARY", "RLE_DICTIONARY", "RLE"];

/**
 * Stands between a Parquet file and the library that reads it, which believes what a page says: it writes a
 * run of one value as often as the run says, even where that ends the process. Pages are not unpacked twice
 * for it, and a run costs one step, however long it is.
 */
export async function guardPages(file: AsyncBuffer): Promise<GuardedPages> {
  const { snappyUncompress } = await import("hyparquet");
  const { parquetHeader } = await import("hyparquet/src/column.js");
  const snappy: Unpack = (bytes, length) => {
    const plain = new Uint8Array(length);
    snappyUncompress(bytes, plain);
    return plain;
  };
  let chunk: ColumnChunk = { rows: 0, isOptional: false, codec: "" };
  /** Pages that the library has not unpacked yet, by where their bytes begin. */
  const packed = new Map<number, PagePlan>();
  const checkChunk = (buffer: ArrayBuffer): void => {
    packed.clear();
    const reader = { view: new DataView(buffer), offset: 0 };
    let left = chunk.rows;
    while (reader.offset < buffer.byteLength - 1) {
      let header: PageHeader;
      try {
        header = parquetHeader(reader);
      } catch {
        // What follows the last page. Were it needed, the library would find the same.
        return;
      }
      const from = reader.offset;
      reader.offset += header.compressed_page_size;
      const { levels, isPlain, ...plan } = planOf(header, chunk);
      left -= plan.values;
      if (left < 0) throw new Error("its pages have more values than there are rows");
      const bytes = new Uint8Array(buffer, from, header.compressed_page_size);
      if (levels > 0) checkRuns(bytes, 0, 1, plan.values);
      if (isPlain) checkPage(bytes.subarray(levels), plan);
      else packed.set(from + levels, plan);
    }
  };
  const checked =
    (unpack: Unpack): Unpack =>
    (bytes, length) => {
      const plan = packed.get(bytes.byteOffset);
      if (plan === undefined) throw new Error("a page lies where there is none");
      const page = unpack(bytes, length);
      checkPage(page, plan);
      return page;
    };
  const all = Object.entries({ SNAPPY: snappy, ...unpackers });
  const compressors: Compressors = Object.fromEntries(
    all.map(([codec, unpack]) => [codec, checked(unpack)]),
  );
  return {
    file: {
      byteLength: file.byteLength,
      async slice(start: number, end?: number) {
        const buffer = await file.slice(start, end);
        checkChunk(buffer);
        return buffer;
      },
    } satisfies AsyncBuffer,
    compressors,
    expect(column: ColumnChunk): void {
      chunk = column;
    },
  };
}

/**
 * @returns also how many bytes of levels stand before what is compressed, and whether the rest is not
 * compressed at all
 */
function planOf(
  { type, data_page_header: first, data_page_header_v2: second }: PageHeader,
  { isOptional, codec }: ColumnChunk,
): PagePlan & { readonly levels: number; readonly isPlain: boolean } {
  const isPlain = codec === "UNCOMPRESSED";
  if (type === "DATA_PAGE" && first !== undefined) {
    const values = count(first.num_values);
    const hasRuns = RUNS.includes(first.encoding);
    return { values, hasLevels: isOptional, hasRuns, levels: 0, isPlain };
  }
  if (type === "DATA_PAGE_V2" && second !== undefined) {
    const values = count(second.num_values);
    if (count(second.num_nulls) > values) throw new Error("a page lacks more values than it has");
    if (count(second.repetition_levels_byte_length) > 0) throw new Error("a page of lists");
    return {
      values,
      hasLevels: false,
      hasRuns: RUNS.includes(second.encoding),
      levels: isOptional ? count(second.definition_levels_byte_length) : 0,
      isPlain: isPlain || second.is_compressed === false,
    };
  }
  return { values: 0, hasLevels: false, hasRuns: false, levels: 0, isPlain };
}

/** A number that a page's header must say. */
function count(value: unknown): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new Error(`a page has ${value} of something that is counted`);
}

function checkPage(page: Uint8Array, { values, hasLevels, hasRuns }: PagePlan): void {
  let at = 0;
  if (hasLevels) {
    if (page.length < 4) return;
    checkRuns(page, 4, 1, values);
    at = 4 + new DataView(page.buffer, page.byteOffset).getUint32(0, true);
  }
  if (hasRuns && at < page.length) checkRuns(page, at + 1, page[at], values);
}

/**
 * Go through runs (https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE) without writing
 * what they mean. Where they end too early, the library finds that.
 *
 * @param from Where the first begins.
 * @param width Bits of a value.
 * @param values How many there are at most.
 */
function checkRuns(bytes: Uint8Array, from: number, width: number, values: number): void {
  for (let at = from, left = values; left > 0 && at < bytes.length; ) {
    let header = 0;
    for (let shift = 0, more = true; more && at < bytes.length; shift += 7) {
      const byte = bytes[at++];
      header |= (byte & 0x7f) << shift;
      more = byte >= 0x80;
    }
    const isPacked = (header & 1) === 1;
    const size = isPacked ? 8 * (header >>> 1) : header >>> 1;
    // What is packed comes in eights, and DuckDB fills up more: those have bytes of their own.
    if (size > (isPacked ? Math.max(left + 7, 8 * bytes.length) : left)) {
      throw new Error(`a run of ${size} values, of which ${left} are left`);
    }
    left -= size;
    at += isPacked ? (width * size) / 8 : Math.ceil(width / 8);
  }
}
