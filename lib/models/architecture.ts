import type { Preprocessing } from "./description";
import type { Network, Parameters } from "./module";

/** What a builder is told. */
export interface BuildOptions {
  /** Number of logits. */
  readonly numClasses: number;
  /** Height and width in pixels. */
  readonly inputSize: readonly [number, number];
  /** Share of features dropped before the classifier, and inside the blocks where the paper does. */
  readonly dropout?: number;
  /** Share of residual branches dropped in the deepest block (stochastic depth). */
  readonly dropPath?: number;
}

/** One registered name: how to build it and how images must come to it. */
export interface Definition {
  readonly inputSize: readonly [number, number];
  readonly preprocessing: Preprocessing;
  /** A repository of the Hugging Face hub that holds trained weights under timm's names. */
  readonly hub?: string;
  /** Sizes that height and width must be multiples of; `fixed`: only the size it was built for. */
  readonly sizes?: { readonly multipleOf?: number; readonly atLeast?: number; fixed?: boolean };
  build(p: Parameters, options: BuildOptions): Network;
}

/** All names of one architecture. */
export type Architecture = Readonly<Record<string, Definition>>;

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
