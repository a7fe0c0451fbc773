import { mapParallel } from "../core/parallel";
import { asText, type Column, type Table } from "../core/table";
import { crossMatch } from "./cross-match";
import type { Dataset } from "./dataset";
import { equalFiles } from "./equal-files";
import { cropResize } from "./image-files";

/** Two rows that show the same object, and how that was found. */
export interface DuplicatePair {
  /** The earlier row. */
  readonly first: number;
  /** The later row. */
  readonly second: number;
  /** Closer than the radius, images that are copies, or files that are equal byte by byte. */
  readonly why: "position" | "image" | "file";
}

/** What {@link findDuplicates} found. */
export interface Duplicates {
  /** Pairs that connect all rows of an object: of many copies each is paired with the first. */
  readonly pairs: readonly DuplicatePair[];
  /** A number for each row, the same for rows of one object: `groups` of `stratifiedSplit`. */
  readonly groups: Uint32Array;
}

/** How {@link findDuplicates} looks. */
export interface DuplicateOptions {
  /** Largest distance of two images of one object, arcsec, where positions are known; 2 by default. */
  readonly radius?: number;
  /**
   * Compare images too: `true`, the default, reads them all; `files` looks for equal files only, which
   * is quick; `false` does neither.
   */
  readonly images?: boolean | "files";
}

/** Bits in which the perceptual hashes of two copies of an image may differ. */
const tolerance = 3;

/**
 * Galaxies are all bright in the middle, so equal hashes only say where to look: copies also differ by
 * less than this on average, of 255, when they are {@link side} pixels wide.
 */
const largestDifference = 2;
/** Below this an image stands for another one as well as that does itself. */
const sameDifference = 0.25;
const side = 16;

/**
 * Find rows that show the same object: closer on the sky than `radius`, or with images that are
 * copies of each other (scaled or compressed again, but neither turned nor mirrored). Rows without a
 * position (NaN, −9999) are compared by their images alone.
 */
export async function findDuplicates(
  dataset: Dataset,
  { radius = 2, images = true }: DuplicateOptions = {},
): Promise<Duplicates> {
  const pairs = positionPairs(dataset.table, radius);
  const more = images === "files" ? filePairs : images ? imagePairs : undefined;
  for (const pair of (await more?.(dataset)) ?? []) pairs.push(pair);
  return { pairs, groups: groupsOf(dataset.size, pairs) };
}

function positionPairs({ ra, dec }: Table, radius: number): DuplicatePair[] {
  if (!ra || !dec) return [];
  const pairs: DuplicatePair[] = [];
  // Equal positions are one place: thousands of them, all with all, would be millions of pairs.
  const places = new Map<string, number>();
  for (let row = 0; row < ra.length; row++) {
    const [x, y] = [Number(ra[row]), Number(dec[row])];
    if (!(Math.abs(x) <= 360 && Math.abs(y) <= 90)) continue;
    const first = places.get(`${x} ${y}`);
    if (first === undefined) places.set(`${x} ${y}`, row);
    else pairs.push({ first, second: row, why: "position" });
  }
  const rows = [...places.values()];
  const positions = {
    ra: rows.map((row) => Number(ra[row])),
    dec: rows.map((row) => Number(dec[row])),
  };
  const { first, second } = crossMatch(positions, positions, radius, "all");
  for (let i = 0; i < first.length; i++) {
    if (first[i] >= second[i]) continue;
    pairs.push({ first: rows[first[i]], second: rows[second[i]], why: "position" });
  }
  return pairs;
}

async function filePairs({ table }: Dataset): Promise<DuplicatePair[]> {
  const paths: Column | undefined = table.path;
  if (paths === undefined) return [];
  const pairs: DuplicatePair[] = [];
  for (const [second, first] of (await equalFiles(asText(paths))).entries()) {
    if (first !== second) pairs.push({ first, second, why: "file" });
  }
  return pairs;
}

async function imagePairs(dataset: Dataset): Promise<DuplicatePair[]> {
  const hashes = new Uint32Array(2 * dataset.size);
  const small = new Uint8Array(side * side * 3 * dataset.size);
  const [height, width] = dataset.imageSize;
  const bytes = height * width * 3;
  for (let from = 0; from < dataset.size; from += 64) {
    const rows = Array.from({ length: Math.min(64, dataset.size - from) }, (_, i) => from + i);
    const pixels = await dataset.read(rows);
    await mapParallel(rows, 8, async (row, i) => {
      const one = pixels.subarray(i * bytes, (i + 1) * bytes);
      const shrunk = await cropResize(one, { width, height }, { size: 9 });
      hashes.set(perceptualHash(shrunk), 2 * row);
      const seen = await cropResize(one, { width, height }, { size: side });
      small.set(seen, row * side * side * 3);
    });
  }
  const pairs = new Map<string, DuplicatePair>();
  // An image that is the same as an earlier one needs no comparisons of its own.
  const stands = new Uint8Array(dataset.size).fill(1);
  // Two hashes that differ in at most three bits agree in one of their four quarters.
  for (const [half, shift] of [
    [0, 0],
    [0, 16],
    [1, 0],
    [1, 16],
  ]) {
    const buckets = new Map<number, number[]>();
    for (let row = 0; row < dataset.size; row++) {
      if (!stands[row]) continue;
      const key = (hashes[2 * row + half] >>> shift) & 0xffff;
      const bucket = buckets.get(key) ?? [];
      for (const first of bucket) {
        const bitsOff =
          bits(hashes[2 * first] ^ hashes[2 * row]) +
          bits(hashes[2 * first + 1] ^ hashes[2 * row + 1]);
        if (bitsOff > tolerance) continue;
        const off = difference(small, first, row);
        if (off > largestDifference) continue;
        pairs.set(`${first},${row}`, { first, second: row, why: "image" });
        if (off > sameDifference || bitsOff > 0) continue;
        stands[row] = 0;
        break;
      }
      if (stands[row]) bucket.push(row);
      buckets.set(key, bucket);
    }
  }
  return [...pairs.values()];
}

/** Mean absolute difference of two of the small images. */
function difference(small: Uint8Array, first: number, second: number): number {
  const values = side * side * 3;
  let sum = 0;
  for (let i = 0; i < values; i++) {
    sum += Math.abs(small[first * values + i] - small[second * values + i]);
  }
  return sum / values;
}

/**
 * 64 bits that stay alike under scaling and compression: whether each pixel of the 9 × 9 image is
 * brighter than its right neighbor (the difference hash, dHash).
 */
function perceptualHash(pixels: Uint8Array): [number, number] {
  const print: [number, number] = [0, 0];
  const light = (y: number, x: number) => {
    const at = (y * 9 + x) * 3;
    return pixels[at] + pixels[at + 1] + pixels[at + 2];
  };
  for (let i = 0; i < 64; i++) {
    const [y, x] = [i >> 3, i & 7];
    if (light(y, x) > light(y, x + 1)) print[i >> 5] |= 1 << (i & 31);
  }
  return [print[0] >>> 0, print[1] >>> 0];
}

function bits(x: number): number {
  let count = 0;
  for (let rest = x >>> 0; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Connected rows share the number of their first. */
function groupsOf(size: number, pairs: readonly DuplicatePair[]): Uint32Array {
  const parent = Uint32Array.from({ length: size }, (_, row) => row);
  const root = (row: number) => {
    let at = row;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]];
      at = parent[at];
    }
    return at;
  };
  for (const { first, second } of pairs) {
    const [a, b] = [root(first), root(second)];
    parent[Math.max(a, b)] = Math.min(a, b);
  }
  return parent.map((_, row) => root(row));
}
