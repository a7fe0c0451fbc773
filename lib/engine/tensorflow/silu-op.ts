import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "../native";
import { type GraphNode, makeNode, type Output } from "./graph";
import { processor } from "./processor";
import { computes, triedOnce } from "./try-kernel";

/**
 * SiLU of `x`, or its gradient by `x` and `dy`, in bfloat16.
 *
 * @param threads How many cores share it.
 */
export function siluNode(name: string, inputs: readonly Output[], threads: number): GraphNode {
  const [{ node, index }] = inputs;
  return makeNode(name, inputs.length === 1 ? "TuningForkSilu" : "TuningForkSiluGradient", {
    attributes: [attribute.int("threads", threads)],
    inputs,
    outputs: [node.outputs[index]],
  });
}

const tried = triedOnce((dtype) =>
  tf.tidy(() =>
    computes(
      dtype,
      { x: tf.ones([40]), dy: tf.fill([40], 2) },
      ({ x, dy }) => [siluNode("silu", [x], 2), siluNode("gradient", [x, dy], 2)],
      // σ(1) and 2 σ (2 − σ)
      [0.731059, 1.855341],
    ),
  ),
);

/** Whether the kernels run here: on processors with AVX512_BF16, where GCC 11 or newer made them. */
export function hasSiluKernel(): boolean {
  return processor().packsBfloat16 && tried(DT.bfloat16);
}
