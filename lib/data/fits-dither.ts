/** What SUBTRACTIVE_DITHER_2 stores for a pixel that is exactly zero. */
export const ZERO_VALUE = -2147483646;

const length = 10_000;
let table: Float32Array | undefined;

/** The 10,000 numbers in (0, 1) that the standard prescribes: Park & Miller's minimal generator from 1. */
function randoms(): Float32Array {
  if (table !== undefined) return table;
  table = new Float32Array(length);
  let seed = 1;
  for (let i = 0; i < length; i++) {
    seed = (16807 * seed) % 2147483647;
    table[i] = seed / 2147483647;
  }
  return table;
}

/**
 * The numbers that were added to the pixels of a tile before rounding, one after another.
 *
 * @param tile The tile's number plus ZDITHER0 less one, from 0.
 * @see FITS 4.0, section 10.2.2 and appendix I
 */
export function ditherOf(tile: number): () => number {
  const values = randoms();
  let start = ((Math.trunc(tile) % length) + length) % length;
  let at = Math.trunc(values[start] * 500);
  return () => {
    const value = values[at++];
    if (at === length) {
      start = (start + 1) % length;
      at = Math.trunc(values[start] * 500);
    }
    return value;
  };
}
