import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "../native";
import { type GraphNode, makeNode, type Output } from "./graph";
import { processor } from "./processor";
import { computes, triedOnce } from "./try-kernel";

/** The op of `setup/native/winograd.cc`. */
export const WINOGRAD = "TuningForkWinograd";

/** What {@link winogradNode} computes. */
export interface Winograd {
  /** float32 `[batch, height, width, in]`; for a gradient, that of a result. */
  readonly image: Output;
  /** float32 `[3, 3, in, out]`; for a gradient, that of the convolution: `[3, 3, out, in]`. */
  readonly filter: Output;
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
  const { image, filter, added = [], relu = false, keeps, gradient } = of;
  const [size, [, , ...channels]] = [image, filter].map(
    ({ node, index }) => node.outputs[index].shape,
  );
  const out = channels[gradient ? 0 : 1];
  return makeNode(name, WINOGRAD, {
    attributes: [
      attribute.int("N", added.length),
      attribute.int("sizes", [...size, out]),
      attribute.int("threads", threads),
      attribute.bool("gradient", gradient),
      attribute.bool("keeps", keeps),
      attribute.bool("relu", relu),
    ],
    inputs: [image, filter, ...added],
    outputs: [{ shape: [...size.slice(0, 3), out], dtype: DT.float32 }],
  });
}

/**
 * The gradient by the filter of what {@link winogradNode} computes, float32 `[3, 3, in, out]`.
 *
 * @param image float32 `[batch, height, width, in]`
 * @param dy float32 `[batch, height, width, out]`
 * @param threads How many cores share it.
 */
export function winogradGradientNode(
  name: string,
  image: Output,
  dy: Output,
  threads: number,
): GraphNode {
  const [size, results] = [image, dy].map(({ node, index }) => node.outputs[index].shape);
  return makeNode(name, "TuningForkWinogradGradient", {
    attributes: [attribute.int("sizes", [...size, results[3]]), attribute.int("threads", threads)],
    inputs: [image, dy],
    outputs: [{ shape: [3, 3, size[3], results[3]], dtype: DT.float32 }],
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
        const added = [bias, residual];
        return [
          winogradNode("y", { image, filter, added, keeps: true, gradient: false }, 2),
          winogradNode("dx", { image, filter, keeps: false, gradient: true }, 2),
          winogradGradientNode("dw", image, nothing, 2),
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
