import * as tf from "@tensorflow/tfjs-core";

/**
 * The first of several named tensors that holds a NaN or an infinity.
 *
 * Reads the tensors, so it is for looking after the fact; inside a compiled step return
 * `squaredNorms` of the gradients and look at those.
 */
export function firstNotFinite(
  tensors: Iterable<readonly [name: string, tensor: tf.Tensor]>,
): string | undefined {
  for (const [name, tensor] of tensors) {
    // 0 · x is 0 for every finite x, so that a sum cannot overflow.
    const bad = tf.tidy(() => tf.sum(tf.mul(tensor, 0)).dataSync()[0]);
    if (!Number.isFinite(bad)) return name;
  }
  return undefined;
}
