/**
 * How values between the pixels of a picture are found when it is resized, by Pillow's names. All but
 * `nearest` average over what falls into a pixel when reducing.
 */
export type Interpolation = "nearest" | "bilinear" | "bicubic" | "lanczos";

/** A kernel: how far it reaches, pixels, and its height at a distance from its middle. */
interface Kernel {
  readonly reach: number;
  at(distance: number): number;
}

const kernels: Readonly<Record<Exclude<Interpolation, "nearest">, Kernel>> = {
  bilinear: { reach: 1, at: (x) => 1 - x },
  // Keys (1981) with a = −½, as Pillow and PyTorch's antialiased bicubic have it.
  bicubic: {
    reach: 2,
    at: (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2),
  },
  lanczos: { reach: 3, at: (x) => sinc(x) * sinc(x / 3) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Which pixels of a line make each pixel of the resized line: `weights[i * taps + k]` of `first[i] + k`. */
export interface LineWeights {
  /** Weights of one pixel. */
  readonly taps: number;
  /** First pixel of the source, `[to]`. */
  readonly first: Int32Array;
  /** `[to, taps]`, each row summing to 1. */
  readonly weights: Float32Array;
}

/**
 * The weights that resize a line of pixels. Pixels are squares with their value in the middle; the
 * kernel is widened when reducing, so that nothing is left out, but for `nearest`.
 *
 * @param from Pixels of the source.
 * @param to Pixels of the result.
 */
export function lineWeights(from: number, to: number, interpolation: Interpolation): LineWeights {
  const step = from / to;
  const first = new Int32Array(to);
  if (interpolation === "nearest") {
    for (let i = 0; i < to; i++) first[i] = Math.min(Math.floor((i + 0.5) * step), from - 1);
    return { taps: 1, first, weights: new Float32Array(to).fill(1) };
  }
  const { reach, at } = kernels[interpolation];
  const wider = Math.max(step, 1);
  const taps = Math.min(2 * Math.ceil(reach * wider) + 1, from);
  const weights = new Float32Array(to * taps);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * step;
    const begin = Math.max(Math.floor(center - reach * wider + 0.5), 0);
    const end = Math.min(Math.floor(center + reach * wider + 0.5), from);
    first[i] = Math.min(begin, from - taps);
    let sum = 0;
    for (let j = begin; j < end; j++) {
      const distance = Math.abs(j + 0.5 - center) / wider;
      const weight = distance < reach ? at(distance) : 0;
      weights[i * taps + j - first[i]] = weight;
      sum += weight;
    }
    for (let k = 0; k < taps; k++) weights[i * taps + k] /= sum;
  }
  return { taps, first, weights };
}

/**
 * Resize a picture.
 *
 * @param values `[height, width, channels]`, row-major
 * @param interpolation Default `bilinear`.
 * @returns float32 `[to[0], to[1], channels]`; cubic and Lanczos kernels may overshoot
 */
export function resizeImage(
  values: ArrayLike<number>,
  [height, width]: readonly [height: number, width: number],
  to: readonly [height: number, width: number],
  channels: number,
  interpolation: Interpolation = "bilinear",
): Float32Array {
  const across = lineWeights(width, to[1], interpolation);
  const down = lineWeights(height, to[0], interpolation);
  const line = to[1] * channels;
  const lines = new Float32Array(height * line);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < to[1]; x++) {
      const from = (y * width + across.first[x]) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < across.taps; k++) {
          sum += across.weights[x * across.taps + k] * values[from + k * channels + c];
        }
        lines[y * line + x * channels + c] = sum;
      }
    }
  }
  const out = new Float32Array(to[0] * line);
  for (let y = 0; y < to[0]; y++) {
    const result = out.subarray(y * line, (y + 1) * line);
    for (let k = 0; k < down.taps; k++) {
      const weight = down.weights[y * down.taps + k];
      if (weight === 0) continue;
      const from = (down.first[y] + k) * line;
      for (let i = 0; i < line; i++) result[i] += weight * lines[from + i];
    }
  }
  return out;
}
