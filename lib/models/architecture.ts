import type { Preprocessing } from "./description";
import type { Network } from "./module";
import type { Parameters } from "./parameters";

/** What a builder is told. */
export interface BuildOptions {
  /** Height and width, pixels. */
  readonly inputSize: readonly [height: number, width: number];
  /**
   * Share of features dropped before the classifier, and inside the blocks where the paper does, 0…1.
   * Default: the architecture's own, mostly 0.
   */
  readonly dropout?: number;
  /** Share of residual branches dropped in the deepest block (stochastic depth), 0…1. Default 0. */
  readonly dropPath?: number;
}

/** One registered name: how to build it and how images must come to it. */
export interface Definition {
  /** Height and width that it was published with, pixels. */
  readonly inputSize: readonly [height: number, width: number];
  /** How images come to its published weights. */
  readonly preprocessing: Preprocessing;
  /** A repository of the Hugging Face hub that holds trained weights under timm's names. */
  readonly hub?: string;
  /** Whether trained weights ship with this package, in `weights/`. Default false. */
  readonly shipped?: boolean;
  /** Which heights and widths it takes. Default: all. */
  readonly sizes?: {
    /** Both must be multiples of this, pixels. Default 1. */
    readonly multipleOf?: number;
    /** Both must be at least this, pixels. Default: `multipleOf`. */
    readonly atLeast?: number;
    /** Whether a built network takes only the size that it was built for. Default false. */
    readonly fixed?: boolean;
  };
  /** Register the parameters and hand back the network on them. */
  build(p: Parameters, options: BuildOptions): Network;
}

/** All names of one architecture. */
export type Architecture = Readonly<Record<string, Definition>>;

/** What the variants of an architecture differ in, besides their shape. */
export interface Variant extends Partial<Omit<Definition, "inputSize" | "build">> {
  /** Side of the images that it was published with, pixels. */
  readonly size?: number;
}

/**
 * What defines the variants of one architecture.
 *
 * @param build The network of a shape (depths, widths, …).
 * @param common What most variants share; each may say otherwise.
 */
export function variantsOf<Shape>(
  build: (p: Parameters, options: BuildOptions, shape: Shape) => Network,
  common: Variant & Pick<Definition, "preprocessing">,
): (shape: Shape, own?: Variant) => Definition {
  return (shape, own = {}) => {
    const { size = 224, ...rest } = { ...common, ...own };
    return {
      ...rest,
      inputSize: [size, size],
      build: (p, options) => build(p, options, shape),
    };
  };
}

/** The statistics of ImageNet, which most pretrained weights expect. */
export const imageNet: Preprocessing = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  interpolation: "bicubic",
};

/** Pixels scaled to −1…1. */
export const symmetric: Preprocessing = {
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
  interpolation: "bicubic",
};
