/** By bytes a pixel: bits that give the number of low bits, and the number that means "as they are". */
const codes = { 1: [3, 6], 2: [4, 14], 4: [5, 25] } as const;

/**
 * Unpack one tile of RICE_1: differences of neighboring pixels, in blocks that share the number of low
 * bits; what is above them is a run of zeros that ends with a one.
 *
 * @param count Pixels of the tile.
 * @param bytes A pixel's, 1 (unsigned), 2 or 4 (signed).
 * @param block Pixels in a block.
 * @returns the pixels, or nothing when the data break off
 * @see White, Greenfield, Pence, Tody & Seaman 2013, Tiled Image Convention for FITS, appendix A
 */
export function unpackRice(
  packed: Uint8Array,
  count: number,
  bytes: 1 | 2 | 4,
  block: number,
): Int32Array | undefined {
  const [codeBits, rawCode] = codes[bytes];
  const valueBits = 8 * bytes;
  const bits = new BitReader(packed);
  const signed = (value: number) =>
    bytes === 4 ? value | 0 : bytes === 2 ? (value << 16) >> 16 : value & 255;
  const out = new Int32Array(count);
  let last = signed(bits.take(valueBits));
  for (let from = 0; from < count; from += block) {
    const to = Math.min(count, from + block);
    const lowBits = bits.take(codeBits) - 1;
    for (let i = from; i < to; i++) {
      let folded = 0;
      if (lowBits === rawCode) folded = bits.take(valueBits);
      else if (lowBits >= 0) folded = (bits.zeros() << lowBits) | bits.take(lowBits);
      // Even numbers stand for differences ≥ 0, odd ones for those below.
      last = signed(last + (folded & 1 ? ~(folded >>> 1) : folded >>> 1));
      out[i] = last;
    }
    if (bits.spent) return undefined;
  }
  return out;
}

/** Bits of a byte string, the highest first; zeros behind its end. */
class BitReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** Whether more was asked for than there is. */
  get spent(): boolean {
    return this.at > 8 * this.bytes.length;
  }

  /** The next `count` bits as a number, 0–32 of them. */
  take(count: number): number {
    let value = 0;
    for (let left = count; left > 0; ) {
      const there = 8 - (this.at & 7);
      const some = Math.min(there, left);
      const byte = this.bytes[this.at >> 3] ?? 0;
      value = (value << some) | ((byte >> (there - some)) & ((1 << some) - 1));
      this.at += some;
      left -= some;
    }
    return value;
  }

  /** How many zeros come before the next one, which is passed over too. */
  zeros(): number {
    const start = this.at;
    while (this.at < 8 * this.bytes.length) {
      if (this.take(1) === 1) return this.at - start - 1;
    }
    this.at = 8 * this.bytes.length + 1;
    return 0;
  }
}
