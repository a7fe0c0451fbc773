import { Random } from "#lib/core/random";

/** Numbers that readers trip over, as text. */
const numbers = ["0", "-1", "1e8", "99999999", "4294967296", "nan", "1e400", "-0", "0.5"];
/** Pieces that mean something to one format or another. */
const pieces = [
  '"',
  "\n",
  ",",
  "\0",
  "\ufeff",
  "{",
  "[",
  "&a *a",
  "__proto__",
  "/../",
  "E",
  "'",
  "é",
];

/** One file damaged in a way that depends on the seed alone: one to four changes, one after another. */
export function mutant(seeds: readonly Uint8Array[], seed: number): Buffer {
  const random = new Random(seed, "mutant");
  const pick = <T>(list: readonly T[]) => list[random.integer(list.length)];
  let bytes: Buffer = Buffer.from(pick(seeds));
  for (let left = 1 + random.integer(4); left > 0; left--)
    bytes = change(bytes, random, pick, seeds);
  return bytes;
}

function change(
  bytes: Buffer,
  random: Random,
  pick: <T>(list: readonly T[]) => T,
  seeds: readonly Uint8Array[],
): Buffer {
  if (bytes.length === 0) return Buffer.from(pick(seeds));
  const at = random.integer(bytes.length);
  const length = 1 + random.integer(Math.min(64, bytes.length - at));
  const splice = (from: number, to: number, middle: Uint8Array) =>
    Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)]);
  switch (random.integer(10)) {
    case 0:
      bytes[at] ^= 1 << random.integer(8);
      return bytes;
    case 1:
      bytes[at] = pick([0, 1, 0x7f, 0x80, 0xff, random.integer(256)]);
      return bytes;
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return splice(at, at + length, Buffer.alloc(0));
    case 4:
      return splice(at, at, bytes.subarray(at, at + length));
    case 5: {
      const width = pick([2, 4, 8]);
      if (at + width > bytes.length) return bytes;
      const value = pick([0n, 1n, 0xffffffffffffffffn, 0x7fffffffffffffffn, 0x10000n, 0x7fffffffn]);
      for (let i = 0; i < width; i++) bytes[at + i] = Number((value >> BigInt(8 * i)) & 255n);
      if (random.integer(2) === 1) bytes.subarray(at, at + width).reverse();
      return bytes;
    }
    case 6:
    case 7:
      return changeNumber(bytes, at, pick(numbers));
    case 8:
      return splice(at, at + random.integer(2), Buffer.from(pick(pieces)));
    default: {
      const other = pick(seeds);
      const from = random.integer(other.length);
      return splice(at, at + length, other.subarray(from, from + length));
    }
  }
}

/** The next number that stands in the file as text becomes another; in the same width where it fits. */
function changeNumber(bytes: Buffer, at: number, value: string): Buffer {
  const found = /-?\d+(?:\.\d+)?/.exec(bytes.toString("latin1", at, at + 4096));
  if (found === null) return bytes;
  const start = at + found.index;
  const before = bytes.subarray(0, start);
  const rest = bytes.subarray(start + found[0].length);
  const wide = value.padStart(found[0].length);
  return Buffer.concat([before, Buffer.from(wide), rest]);
}
