import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "../native";
import { LAYER_NORM_GRADIENT } from "../ops/layer-norm";
import { makeNode } from "./graph";
import { processor } from "./processor";
import { computes, triedOnce } from "./try-kernel";

const tried = triedOnce((dtype) =>
  tf.tidy(() => {
    const [rows, features] = [3, 20];
    return computes(
      dtype,
      {
        x: tf.fill([rows, features], 3),
        dy: tf.fill([rows, features], 5),
        scale: tf.ones([features]),
      },
      ({ x, dy, scale }) => [
        makeNode("dx", LAYER_NORM_GRADIENT, {
          attributes: [
            attribute.type("T", dtype),
            attribute.float("epsilon", 1),
            attribute.int("threads", 1),
          ],
          inputs: [x, dy, scale],
          outputs: [
            { shape: [rows, features], dtype },
            { shape: [features], dtype: DT.float32 },
            { shape: [features], dtype: DT.float32 },
          ],
        }),
      ],
      // What is the same for all features of a row moves its mean alone.
      [0],
      ["scale"],
    );
  }),
);

/** Whether there is a kernel for its gradients: on processors with AVX512_BF16, where GCC 11 or newer made it. */
export function hasLayerNormKernel(): boolean {
  return processor().packsBfloat16 && tried(DT.float32);
}
