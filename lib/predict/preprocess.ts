import * as tf from "@tensorflow/tfjs-core";
import { fused } from "../engine/trace";
import type { Preprocessing } from "../models/description";

/**
 * Images as a model wants them: (x − mean) / std by channel.
 *
 * @param images float32 `[batch, height, width, 3]`, 0…1
 */
export function normalize(images: tf.Tensor4D, { mean, std }: Preprocessing): tf.Tensor4D {
  return tf.tidy(() => {
    // One multiply and one add: x · 1/std − mean/std.
    const factor = tf.tensor1d(std.map((s) => 1 / s));
    const offset = tf.tensor1d(mean.map((m, c) => -m / std[c]));
    return fused(() => tf.add(tf.mul(images, factor), offset));
  });
}
