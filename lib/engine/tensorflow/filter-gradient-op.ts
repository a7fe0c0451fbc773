import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "../native";
import { type GraphNode, makeNode, type Output } from "./graph";
import { processor } from "./processor";
import { computes, triedOnce } from "./try-kernel";

/** The op of `setup/native/filter-gradient.cc`. */
export const FILTER_GRADIENT = "TuningForkFilterGradient";

/** Channels that its tiles take together. */
const CHANNELS = 32;

/** Whether images and gradients have channels that it takes: multiples of 32. */
export function fillsTiles(channelsIn: number, channelsOut: number): boolean {
  return channelsIn % CHANNELS === 0 && channelsOut % CHANNELS === 0;
}

/** A convolution whose gradient by the filter is asked for. */
export interface FilterGradient {
  /** The image, bfloat16 `[batch, height, width, in]`. */
  readonly x: Output;
  /** The result's gradient, bfloat16 `[batch, rows, columns, out]`. */
  readonly dy: Output;
  /** Height and width of the filter. */
  readonly filter: readonly [number, number];
  /** The filter moves by so many pixels. */
  readonly stride: number;
  /** Zeros above and to the left of the image. */
  readonly margin: readonly [number, number];
}

/**
 * The gradient of a convolution by its filter, float32 `[height, width, in, out]`.
 *
 * @param threads How many cores share it.
 */
export function filterGradientNode(
  name: string,
  { x, dy, filter, stride, margin }: FilterGradient,
  threads: number,
): GraphNode {
  const [images, gradients] = [x, dy].map(({ node, index }) => node.outputs[index].shape);
  const shape = [...filter, images[3], gradients[3]];
  return makeNode(name, FILTER_GRADIENT, {
    attributes: [
      attribute.int("sizes", [...images, ...filter, ...gradients.slice(1), stride, ...margin]),
      attribute.int("threads", threads),
    ],
    inputs: [x, dy],
    outputs: [{ shape, dtype: DT.float32 }],
  });
}

/** 4 pixels of 1 · ½, each seen by the one place in the filter. */
const tried = triedOnce((dtype) =>
  tf.tidy(() =>
    computes(
      dtype,
      { x: tf.ones([1, 2, 2, CHANNELS]), dy: tf.fill([1, 2, 2, CHANNELS], 1 / 2) },
      ({ x, dy }) => [
        filterGradientNode("dw", { x, dy, filter: [1, 1], stride: 1, margin: [0, 0] }, 2),
      ],
      [2],
    ),
  ),
);

/** Whether there is a kernel for it: on processors with AMX, where GCC 11 or newer made it. */
export function hasFilterGradientKernel(): boolean {
  return processor().usesTiles && tried(DT.bfloat16);
}
