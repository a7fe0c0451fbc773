import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "../native";
import { type GraphNode, makeNode, type Output } from "./graph";
import { processor } from "./processor";
import { computes, triedOnce } from "./try-kernel";

/** How a kernel of `setup/native/batch-norm.cc` normalizes. */
export interface OwnBatchNorm {
  /** Added to the variance before the root. */
  readonly epsilon: number;
  /** The share of the new value in the running statistics. */
  readonly momentum: number;
  /** Whether a ReLU comes after it. */
  readonly relu: boolean;
  /** How many cores share it. */
  readonly threads: number;
}

/**
 * Batch normalization in training, and the ReLU after it; its results are the first five of `FusedBatchNormV3`.
 *
 * @param inputs `x` in float32 or bfloat16, channels last; scale, offset, running mean and variance, float32.
 */
export function batchNormNode(
  name: string,
  inputs: readonly Output[],
  options: OwnBatchNorm,
): GraphNode {
  const [x, scale] = inputs.map(typeOf);
  const outputs = [x, scale, scale, scale, scale];
  const attributes = attributesOf(x.dtype, options);
  return makeNode(name, "TuningForkBatchNorm", { attributes, inputs, outputs });
}

/**
 * Its gradients by `x`, scale and offset.
 *
 * @param inputs The result's gradient; `x`, scale, offset; the batch's mean and variance, which are results 3 and 4 of {@link batchNormNode}.
 */
export function batchNormGradientNode(
  name: string,
  inputs: readonly Output[],
  options: OwnBatchNorm,
): GraphNode {
  const [dy, , scale] = inputs.map(typeOf);
  const attributes = attributesOf(dy.dtype, options);
  return makeNode(name, "TuningForkBatchNormGradient", {
    attributes,
    inputs,
    outputs: [dy, scale, scale],
  });
}

function attributesOf(dtype: number, { epsilon, momentum, relu, threads }: OwnBatchNorm) {
  return [
    attribute.type("T", dtype),
    attribute.float("epsilon", epsilon),
    attribute.float("momentum", momentum),
    attribute.bool("relu", relu),
    attribute.int("threads", threads),
  ];
}

function typeOf({ node, index }: Output) {
  return node.outputs[index];
}

/** Pixels that are all alike are at the mean: what comes out is the offset, and no gradient goes through. */
const tried = triedOnce((dtype) =>
  tf.tidy(() =>
    computes(
      dtype,
      {
        x: tf.fill([1, 3, 1, 24], 5),
        scale: tf.fill([24], 3),
        offset: tf.fill([24], 2),
        mean: tf.fill([24], 5),
        variance: tf.ones([24]),
      },
      ({ x, scale, offset, mean, variance }) => {
        const options = { epsilon: 1e-3, momentum: 1, relu: true, threads: 2 };
        const channels = [scale, offset, mean, variance];
        return [
          batchNormNode("y", [x, ...channels], options),
          batchNormGradientNode("dx", [x, x, ...channels], options),
        ];
      },
      [2, 0],
    ),
  ),
);

/** Whether the kernels run here: on processors with AVX512_BF16, where GCC 11 or newer made them. */
export function hasBatchNormKernel(): boolean {
  return processor().packsBfloat16 && tried(DT.float32);
}
