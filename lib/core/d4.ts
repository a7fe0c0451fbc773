/** A symmetry of the square: first mirrored left and right, or not, then turned. */
export interface D4Symmetry {
  /** Whether left and right are exchanged. */
  readonly mirrored: boolean;
  /** Quarter turns counter-clockwise afterwards. */
  readonly turns: 0 | 1 | 2 | 3;
}

const turns = [0, 1, 2, 3] as const;

/**
 * The eight symmetries of the square, the group D4, under which the class of a galaxy does not change:
 * number 0 is the image itself, 1–3 its quarter turns, 4–7 the same of its mirror image.
 */
export const d4Symmetries: readonly D4Symmetry[] = [
  ...turns.map((n) => ({ mirrored: false, turns: n })),
  ...turns.map((n) => ({ mirrored: true, turns: n })),
];

/**
 * Apply one of {@link d4Symmetries} to a square.
 *
 * @param values `[side, side, channels]`, row-major
 * @returns A new array of the same shape.
 */
export function d4Square<T extends Uint8Array | Float32Array>(
  values: T,
  side: number,
  channels: number,
  { mirrored, turns }: D4Symmetry,
): T {
  const out = values.slice() as T;
  const last = side - 1;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      // Where each pixel comes from: what was at the right edge comes to the top by one turn.
      const turned = [
        [y, x],
        [x, last - y],
        [last - y, last - x],
        [last - x, y],
      ][turns];
      const column = mirrored ? last - turned[1] : turned[1];
      const from = (turned[0] * side + column) * channels;
      for (let c = 0; c < channels; c++) out[(y * side + x) * channels + c] = values[from + c];
    }
  }
  return out;
}
