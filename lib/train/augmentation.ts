import * as tf from "@tensorflow/tfjs-core";
import { statelessUniform } from "../engine/ops";
import type { TrainConfig } from "./config";

export function augmentFunction(preset: TrainConfig["augmentation"]) {
  return (images: tf.Tensor4D, seed: tf.Tensor): tf.Tensor4D => {
    if (preset === "none") return images;
    return tf.tidy(() => {
      const n = images.shape[0];
      const u = statelessUniform([3, n, 1, 1, 1], seed);
      const [a, b, c] = tf.unstack(tf.cast(tf.greater(u, 0.5), "float32"));
      let x: tf.Tensor4D = images;
      const mix = (m: tf.Tensor, p: tf.Tensor4D, q: tf.Tensor4D) =>
        tf.add(q, tf.mul(m, tf.sub(p, q))) as tf.Tensor4D;
      x = mix(a, tf.reverse(x, 1), x);
      x = mix(b, tf.reverse(x, 2), x);
      x = mix(c, tf.transpose(x, [0, 2, 1, 3]), x);
      return x;
    });
  };
}
export function mixFunction(_config: TrainConfig) {
  return (images: tf.Tensor4D, targets: tf.Tensor2D, _seed: tf.Tensor) => ({ images, targets });
}
