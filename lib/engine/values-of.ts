import * as tf from "@tensorflow/tfjs-core";

/**
 * The numbers of a tensor that is wanted for nothing else.
 *
 * `tf.tidy` that returns an array looks through all of its elements for tensors, which takes longer than to compute
 * them: a second for ten million.
 *
 * @param fn Computes it; nothing that it makes is left.
 */
export function valuesOf(fn: () => tf.Tensor): Float32Array {
  const tensor = tf.tidy(fn);
  try {
    return tensor.dataSync<"float32">();
  } finally {
    tensor.dispose();
  }
}
