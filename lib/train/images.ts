import * as tf from "@tensorflow/tfjs-core";
import type { Preprocessing } from "../models/module";

/**
 * Pixels as a model wants them: scaled to 0…1, then (x − mean) / std by channel.
 *
 * @param images float32 `[batch, height, width, 3]`, 0…255
 */
export function normalise(images: tf.Tensor4D, { mean, std }: Preprocessing): tf.Tensor4D {
  return tf.tidy(() => {
    // One multiply and one add: x · 1/(255 std) − mean/std.
    const factor = tf.tensor1d(std.map((s) => 1 / (255 * s)));
    const offset = tf.tensor1d(mean.map((m, c) => -m / std[c]));
    return tf.add(tf.mul(images, factor), offset);
  });
}
