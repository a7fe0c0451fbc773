import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "../native";
import { type GraphNode, makeNode, type Output } from "./graph";
import { processor } from "./processor";
import { computes, triedOnce } from "./try-kernel";

/** The op of `setup/native/gate.cc`. */
export const GATE = "TuningForkGate";

/**
 * An image times a number for each of its channels.
 *
 * @param x bfloat16 `[batch, height, width, channels]`
 * @param gate bfloat16 `[batch, 1, 1, channels]`
 * @param threads How many cores share it.
 */
export function gateNode(name: string, x: Output, gate: Output, threads: number): GraphNode {
  return makeNode(name, GATE, {
    attributes: [attribute.int("threads", threads)],
    inputs: [x, gate],
    outputs: [x.node.outputs[x.index]],
  });
}

const tried = triedOnce((dtype) =>
  tf.tidy(() =>
    computes(
      dtype,
      { x: tf.fill([2, 3, 1, 40], 3), gate: tf.fill([2, 1, 1, 40], 1 / 2) },
      ({ x, gate }) => [gateNode("y", x, gate, 2)],
      [1.5],
    ),
  ),
);

/** Whether the kernel runs here: on processors with AVX512_BF16, where GCC 11 or newer made it. */
export function hasGateKernel(): boolean {
  return processor().packsBfloat16 && tried(DT.bfloat16);
}
