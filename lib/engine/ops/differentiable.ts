import * as tf from "@tensorflow/tfjs-core";
import { heldBack } from "../recorder";

/** Keep tensors until the gradient is computed; does nothing where none will be. */
export type Save = (tensors: tf.Tensor[]) => void;

/**
 * A function with its own gradient (`tf.customGrad` with types that fit).
 *
 * @param inputs What the function is differentiated by.
 * @param forward Computes the value; what the gradient needs goes through `save`.
 * @param backward From the gradient by the value and the saved tensors: one gradient per input.
 * @param recomputes Whether the gradient computes large tensors anew from the saved ones.
 */
export function differentiable<T extends tf.Tensor>(
  inputs: readonly tf.Tensor[],
  forward: (save: Save) => tf.Tensor,
  backward: (dy: T, saved: tf.Tensor[]) => tf.Tensor[],
  recomputes = false,
): T {
  const op = tf.customGrad((...args) => {
    const save = args[args.length - 1] as unknown as Save;
    return {
      value: forward(save) as T,
      gradFunc: (dy: T, saved: tf.Tensor[]) =>
        backward(dy, recomputes ? heldBack(saved, dy) : saved),
    };
  });
  return op(...(inputs as tf.Tensor[])) as T;
}
