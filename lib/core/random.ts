/** Shifts and factors of {@link mixed}, and its last shift. */
export const MIXING = {
  steps: [
    [16, 0x21f0aaad],
    [15, 0x735a2d97],
  ],
  last: 15,
} as const;

/** 32 bits of which each depends on all of the given ones, one to one (splitmix32's second half). */
export function mixed(bits: number): number {
  let x = bits | 0;
  for (const [shift, factor] of MIXING.steps) x = Math.imul(x ^ (x >>> shift), factor);
  return x ^ (x >>> MIXING.last);
}

/** The state of a {@link Random}: four unsigned 32-bit words, enough to continue it exactly. */
export type RandomState = readonly [number, number, number, number];

/**
 * Seeded random numbers on the host, the same on every machine.
 *
 * The generator is sfc32 (Chris Doty-Humphrey's Small Fast Counting generator, PractRand), seeded
 * through splitmix32. It orders rows and draws initial weights; numbers inside a compiled step come
 * from stateless random ops that are fed a seed from here.
 */
export class Random {
  private a = 0;
  private b = 0;
  private c = 0;
  private d = 1;
  private spareNormal: number | undefined;

  /** @param seed Any integer; a stream name makes an independent sequence of the same seed. */
  constructor(seed: number, stream = "") {
    let h = seed | 0;
    for (let i = 0; i < stream.length; i++) h = Math.imul(h ^ stream.charCodeAt(i), 0x9e3779b1);
    const splitmix = () => {
      h = (h + 0x9e3779b9) | 0;
      return mixed(h);
    };
    this.a = splitmix();
    this.b = splitmix();
    this.c = splitmix();
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** Where the sequence stands. Taken between draws of {@link normal} pairs it is exact. */
  get state(): RandomState {
    return [this.a >>> 0, this.b >>> 0, this.c >>> 0, this.d >>> 0];
  }

  /** Go on from where another sequence stood. */
  set state(state: RandomState) {
    [this.a, this.b, this.c, this.d] = state;
    this.spareNormal = undefined;
  }

  /** An integer in [0, 2³²). */
  uint32(): number {
    const t = (((this.a + this.b) | 0) + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + t;
    this.c |= 0;
    return t >>> 0;
  }

  /** A number in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.uint32() / 4294967296);
  }

  /** An integer in [0, n). */
  integer(n: number): number {
    return Math.floor(this.uniform(0, n));
  }

  /** A number from the normal distribution (Marsaglia's polar method). */
  normal(mean = 0, deviation = 1): number {
    if (this.spareNormal !== undefined) {
      const z = this.spareNormal;
      this.spareNormal = undefined;
      return mean + deviation * z;
    }
    let u: number, v: number, s: number;
    do {
      u = this.uniform(-1, 1);
      v = this.uniform(-1, 1);
      s = u * u + v * v;
    } while (s >= 1 || s === 0);
    const factor = Math.sqrt((-2 * Math.log(s)) / s);
    this.spareNormal = v * factor;
    return mean + deviation * u * factor;
  }

  /** A random order of the integers 0 … n−1 (Fisher–Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const t = order[i];
      order[i] = order[j];
      order[j] = t;
    }
    return order;
  }
}
