import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "../native";
import { LAYER_NORM, LAYER_NORM_GRADIENT } from "../ops/layer-norm";
import { makeNode } from "./graph";
import { processor } from "./processor";
import { computes, triedOnce } from "./try-kernel";

const tried = triedOnce((dtype) =>
  tf.tidy(() => {
    const [rows, features] = [3, 20];
    const attributes = [
      attribute.type("T", dtype),
      attribute.float("epsilon", 1),
      attribute.int("threads", 1),
    ];
    const whole = { shape: [rows, features], dtype };
    const row = { shape: [features], dtype: DT.float32 };
    return computes(
      dtype,
      {
        x: tf.fill([rows, features], 3),
        dy: tf.fill([rows, features], 5),
        scale: tf.ones([features]),
        offset: tf.fill([features], 2),
      },
      ({ x, dy, scale, offset }) => [
        makeNode("y", LAYER_NORM, { attributes, inputs: [x, scale, offset], outputs: [whole] }),
        makeNode("dx", LAYER_NORM_GRADIENT, {
          attributes,
          inputs: [x, dy, scale],
          outputs: [whole, row, row],
        }),
      ],
      // What is the same for all features of a row moves its mean alone.
      [2, 0],
      ["scale", "offset"],
    );
  }),
);

/** Whether there are kernels for it and its gradients: on processors with AVX512_BF16, where GCC 11 or newer made them. */
export function hasLayerNormKernel(): boolean {
  return processor().packsBfloat16 && tried(DT.float32);
}
