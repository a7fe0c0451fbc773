import { mapParallel } from "../core/parallel";
import { asNumbers } from "../core/table";
import { crossMatch } from "./cross-match";
import type { Dataset } from "./dataset";
import { cropResize } from "./image-files";

/** Rows that show the same object, and how that was found. */
export interface DuplicatePair {
  readonly first: number;
  readonly second: number;
  readonly why: "position" | "image";
}

/** What {@link findDuplicates} found. */
export interface Duplicates {
  readonly pairs: readonly DuplicatePair[];
  /** A number for each row, the same for rows of one object: `groups` of `stratifiedSplit`. */
  readonly groups: Uint32Array;
}

/** Bits in which the fingerprints of two copies of an image may differ. */
const tolerance = 3;

/**
 * Galaxies are all bright in the middle, so equal fingerprints only say where to look: copies also
 * differ by less than this on average, of 255, when they are {@link side} pixels wide.
 */
const largestDifference = 2;
const side = 16;

/**
 * Find rows that show the same object: closer on the sky than `radius`, or with images that are
 * copies of each other (scaled or compressed again, but neither turned nor mirrored).
 *
 * @param options.radius Arcsec, where the data set has positions; 2 by default.
 * @param options.images Compare images too, which reads them all; true by default.
 */
export async function findDuplicates(
  dataset: Dataset,
  options: { radius?: number; images?: boolean } = {},
): Promise<Duplicates> {
  const { radius = 2, images = true } = options;
  const pairs: DuplicatePair[] = [];
  const { ra, dec } = dataset.table;
  if (ra && dec) {
    const sky = { ra: asNumbers(ra), dec: asNumbers(dec) };
    const placed = sky.ra.flatMap((x, row) => (Number.isFinite(x + sky.dec[row]) ? [row] : []));
    const positions = {
      ra: placed.map((row) => sky.ra[row]),
      dec: placed.map((row) => sky.dec[row]),
    };
    const { first, second } = crossMatch(positions, positions, radius, "all");
    for (let i = 0; i < first.length; i++) {
      if (first[i] >= second[i]) continue;
      pairs.push({ first: placed[first[i]], second: placed[second[i]], why: "position" });
    }
  }
  if (images) pairs.push(...(await equalImages(dataset)));
  return { pairs, groups: groupsOf(dataset.size, pairs) };
}

async function equalImages(dataset: Dataset): Promise<DuplicatePair[]> {
  const prints = new Uint32Array(2 * dataset.size);
  const small = new Uint8Array(side * side * 3 * dataset.size);
  const [height, width] = dataset.imageSize;
  const bytes = height * width * 3;
  for (let from = 0; from < dataset.size; from += 64) {
    const rows = Array.from({ length: Math.min(64, dataset.size - from) }, (_, i) => from + i);
    const pixels = await dataset.read(rows);
    await mapParallel(rows, 8, async (row, i) => {
      const one = pixels.subarray(i * bytes, (i + 1) * bytes);
      prints.set(fingerprint(await cropResize(one, { width, height }, { size: 9 })), 2 * row);
      small.set(await cropResize(one, { width, height }, { size: side }), row * side * side * 3);
    });
  }
  // Two fingerprints that differ in at most three bits agree in one of their four quarters.
  const pairs = new Map<string, DuplicatePair>();
  for (const [half, shift] of [
    [0, 0],
    [0, 16],
    [1, 0],
    [1, 16],
  ]) {
    const buckets = new Map<number, number[]>();
    for (let row = 0; row < dataset.size; row++) {
      const key = (prints[2 * row + half] >>> shift) & 0xffff;
      const bucket = buckets.get(key) ?? [];
      for (const first of bucket) {
        const off =
          bits(prints[2 * first] ^ prints[2 * row]) +
          bits(prints[2 * first + 1] ^ prints[2 * row + 1]);
        if (off > tolerance || difference(small, first, row) > largestDifference) continue;
        pairs.set(`${first},${row}`, { first, second: row, why: "image" });
      }
      bucket.push(row);
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

/** 64 bits: whether each pixel of the 9 × 9 image is brighter than its right neighbor. */
function fingerprint(pixels: Uint8Array): [number, number] {
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
