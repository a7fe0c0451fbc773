type Triple = readonly [number, number, number];

// Machado, Oliveira & Fernandes (2009), severity 1, on linear sRGB.
const EYES: Readonly<Record<string, readonly Triple[]>> = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Kinds of color vision by their names. */
export const EYE_NAMES: readonly string[] = Object.keys(EYES);

/** Linear sRGB of `#rrggbb`, 0 … 1. */
function linear(color: string): Triple {
  const value = Number.parseInt(color.slice(1), 16);
  const [r, g, b] = [value >> 16, (value >> 8) & 255, value & 255].map((c) =>
    c <= 10 ? c / 3294 : ((c / 255 + 0.055) / 1.055) ** 2.4,
  );
  return [r, g, b];
}

/**
 * How an eye sees a color, in CIE 1976 L*a*b*.
 *
 * @param eye One of {@link EYE_NAMES}.
 * @param color `#rrggbb`.
 */
export function seenBy(eye: string, color: string): Triple {
  const rgb = linear(color);
  const [r, g, b] = EYES[eye].map((row) => {
    const sum = row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2];
    return Math.min(Math.max(sum, 0), 1);
  });
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : (841 / 108) * t + 4 / 29);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** How different two colors look to an eye: CIE 1976 ΔE; under about 10 they are easily confused. */
export function colorDistance(eye: string, a: string, b: string): number {
  const [p, q] = [seenBy(eye, a), seenBy(eye, b)];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}
