import type { Random } from "../core/random";

/** How a parameter is connected, and its size. */
export interface Fans {
  /** How many inputs feed one output. */
  readonly fanIn: number;
  /** How many outputs one input feeds. */
  readonly fanOut: number;
  /** Number of values. */
  readonly size: number;
}

/** Draws the first values of a parameter. */
export type Initializer = (fans: Fans, random: Random) => Float32Array;

/** An array of draws; a plain loop, for models have tens of millions of them. */
function fill(size: number, draw: () => number): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = draw();
  return values;
}

/** Every value the same. */
export function constant(value: number): Initializer {
  return ({ size }) => new Float32Array(size).fill(value);
}

/** For biases. */
export const zeros = constant(0);
/** For scales of norms. */
export const ones = constant(1);

/** Normal around 0, cut at ±2 (an absolute bound, as timm's `trunc_normal_` has it). */
export function truncatedNormal(deviation: number): Initializer {
  return ({ size }, random) => {
    const values = new Float32Array(size);
    for (let i = 0; i < size; i++) {
      do values[i] = random.normal(0, deviation);
      while (Math.abs(values[i]) > 2);
    }
    return values;
  };
}

/**
 * Normal with variance `gain² / fan`, for layers before a ReLU (He et al. 2015, arXiv:1502.01852).
 * `groups`: PyTorch's fan-out counts all outputs of a grouped convolution; EfficientNet's does not.
 */
export function kaimingNormal(
  mode: "fanIn" | "fanOut",
  gain = Math.SQRT2,
  groups = 1,
): Initializer {
  return (fans, random) => {
    const deviation = gain / Math.sqrt(fans[mode] / groups);
    return fill(fans.size, () => random.normal(0, deviation));
  };
}

/** Uniform in ±`scale`/√fan-in: with scale 1, what PyTorch gives linear and convolution layers. */
export function fanInUniform(scale = 1): Initializer {
  return ({ fanIn, size }, random) => {
    const bound = scale / Math.sqrt(fanIn);
    return fill(size, () => random.uniform(-bound, bound));
  };
}
