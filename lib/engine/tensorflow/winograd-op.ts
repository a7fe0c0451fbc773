import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "../native";
import { type GraphNode, makeNode, type Output, shapeOf } from "./graph";
import { processor } from "./processor";
import { computes, triedOnce } from "./try-kernel";

/** The op of `setup/native/winograd.cc`. */
export const WINOGRAD = "TuningForkWinograd";

/** What {@link winogradNode} computes. */
export interface Winograd {
  /** float32 `[batch, height, width, groups · in]`; for a gradient, that of a result. */
  readonly image: Output;
  /** float32 `[3, 3, in, groups · out]`; for a gradient, that of the convolution: `[3, 3, out, groups · in]`. */
  readonly filter: Output;
  /** Channels of images that keep to themselves, and their results. */
  readonly groups: number;
  /** The bias `[out]`, and after it the residual, as large as the result, where there is one. Default: neither. */
  readonly added?: readonly Output[];
  readonly relu?: boolean;
  /** Whether the filter stays as long as the session. */
  readonly keeps: boolean;
  /** Whether it is the gradient by the image. */
  readonly gradient: boolean;
}

/**
 * A convolution by 3 × 3 filters of stride 1, over an image with one pixel of zeros around, or its gradient by the image, in
 * float32 `[batch, height, width, out]`: with 16 products for 2 × 2 pixels instead of 36 (Lavin & Gray 2015, arXiv:1509.09308).
 *
 * @param threads How many cores share it.
 */
export function winogradNode(name: string, of: Winograd, threads: number): GraphNode {
  const { image, filter, groups, added = [], relu = false, keeps, gradient } = of;
  const [[images, height, width], [, , from, all]] = [image, filter].map(shapeOf);
  const [into, out] = gradient ? [all / groups, from] : [from, all / groups];
  return makeNode(name, WINOGRAD, {
    attributes: [
      attribute.int("N", added.length),
      attribute.int("sizes", [images, height, width, into, out, groups]),
      attribute.int("threads", threads),
      attribute.bool("gradient", gradient),
      attribute.bool("keeps", keeps),
      attribute.bool("relu", relu),
    ],
    inputs: [image, filter, ...added],
    outputs: [{ shape: [images, height, width, groups * out], dtype: DT.float32 }],
  });
}

/** What {@link winogradGradientNode} computes. */
export interface WinogradGradient {
  /** float32 `[batch, height, width, groups · in]` */
  readonly image: Output;
  /** float32 `[batch, height, width, groups · out]` */
  readonly dy: Output;
  readonly groups: number;
}

/**
 * The gradient by the filter of what {@link winogradNode} computes, float32 `[3, 3, in, groups · out]`.
 *
 * @param threads How many cores share it.
 */
export function winogradGradientNode(
  name: string,
  { image, dy, groups }: WinogradGradient,
  threads: number,
): GraphNode {
  const [[images, height, width, channels], [, , , all]] = [image, dy].map(shapeOf);
  const sizes = [images, height, width, channels / groups, all / groups, groups];
  return makeNode(name, "TuningForkWinogradGradient", {
    attributes: [attribute.int("sizes", sizes), attribute.int("threads", threads)],
    inputs: [image, dy],
    outputs: [{ shape: [3, 3, channels / groups, all], dtype: DT.float32 }],
  });
}

/** A filter of ½ in the middle: 16 · 2 · ½ − 15 + 1, and backwards 16 · 2 · ½; of nothing, nothing. */
const tried = triedOnce((dtype) =>
  tf.tidy(() => {
    const middle = tf.tensor4d([0, 0, 0, 0, 1 / 2, 0, 0, 0, 0], [3, 3, 1, 1]);
    const given = {
      image: tf.fill([1, 3, 2, 16], 2),
      filter: tf.tile(middle, [1, 1, 16, 16]),
      bias: tf.fill([16], -15),
      residual: tf.ones([1, 3, 2, 16]),
      nothing: tf.zeros([1, 3, 2, 16]),
    };
    return computes(
      dtype,
      given,
      ({ image, filter, bias, residual, nothing }) => {
        const form = { image, filter, groups: 1 };
        const added = [bias, residual];
        return [
          winogradNode("y", { ...form, added, keeps: true, gradient: false }, 2),
          winogradNode("dx", { ...form, keeps: false, gradient: true }, 2),
          winogradGradientNode("dw", { image, dy: nothing, groups: 1 }, 2),
        ];
      },
      [2, 16, 0],
    );
  }),
);

/** Whether the kernel runs here: on processors with AVX512_BF16, where GCC 11 or newer made it. */
export function hasWinogradKernel(): boolean {
  return processor().packsBfloat16 && tried(DT.float32);
}
