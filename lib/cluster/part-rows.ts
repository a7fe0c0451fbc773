import { createHash } from "node:crypto";
import { UserError } from "../core/errors";
import { idKey, rowsById } from "../core/ids";
import { shardRange } from "../core/shard";
import { eachText, tableSize } from "../io/table-file";

/** What a part of a table is about. */
export interface PartRows {
  /** How many rows. */
  readonly count: number;
  /** SHA-256 of their ids, each followed by a line's end. */
  readonly ids: string;
}

/** Gathers ids, in their order, into what each part of a table is about. */
export class PartDigests {
  private readonly parts: PartRows[] = [];
  private hash = createHash("sha256");
  private count = 0;

  /**
   * @param total How many ids will come.
   * @param shards How many parts.
   * @throws UserError when there are more parts than rows
   */
  constructor(
    private readonly total: number,
    private readonly shards: number,
  ) {
    if (shards <= total) return;
    throw new UserError(
      `${total} galaxies make no ${shards} parts`,
      `give --shards ${total} or fewer`,
    );
  }

  /** Take the next id. */
  add(id: string): void {
    this.hash.update(`${id}\n`);
    this.count++;
    const [from, to] = shardRange(this.total, {
      index: this.parts.length + 1,
      count: this.shards,
    });
    if (this.count < to - from) return;
    this.parts.push({ count: this.count, ids: this.hash.digest("hex") });
    this.hash = createHash("sha256");
    this.count = 0;
  }

  /** @returns the parts, once all ids have come */
  finish(): PartRows[] {
    return this.parts;
  }
}

/** What each part of some galaxies is about. @throws UserError when there are more parts than galaxies */
export function partsOfIds(ids: ArrayLike<string>, shards: number): PartRows[] {
  const digests = new PartDigests(ids.length, shards);
  for (let row = 0; row < ids.length; row++) digests.add(ids[row]);
  return digests.finish();
}

/**
 * What each part of a catalog is about, by its column `id`: eight bytes a row are in memory.
 *
 * @throws UserError when there are more parts than rows, and naming both rows of an id that is there twice
 */
export async function partsOfTable(path: string, shards: number): Promise<PartRows[]> {
  const total = await tableSize(path);
  const digests = new PartDigests(total, shards);
  const hashes = new Float64Array(total);
  const suspects = new Set<number>();
  let rows = 0;
  await eachText(path, "id", (id) => {
    digests.add(id);
    const key = idKey(id);
    hashes[rows++] = hashOf(key);
    if (key === "") suspects.add(hashOf(key));
  });
  hashes.sort();
  for (let i = 1; i < total; i++) if (hashes[i] === hashes[i - 1]) suspects.add(hashes[i]);
  if (suspects.size > 0) await refuseTwice(path, suspects);
  return digests.finish();
}

/** Ids of one hash need not be equal: they are looked at. */
async function refuseTwice(path: string, suspects: ReadonlySet<number>): Promise<void> {
  const ids: string[] = [];
  const numbers: number[] = [];
  await eachText(path, "id", (id, number) => {
    if (!suspects.has(hashOf(idKey(id)))) return;
    ids.push(id);
    numbers.push(number);
  });
  rowsById(ids, path, (row) => numbers[row]);
}

/** A number of 53 bits made of a text: among 10⁷ texts two share one in one case of 200. */
function hashOf(text: string): number {
  let [a, b] = [0x9e3779b9, 0x85ebca6b];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 0x9e3779b1);
    b = Math.imul(b ^ c, 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return 2 ** 32 * (b & 0x1fffff) + (a >>> 0);
}
