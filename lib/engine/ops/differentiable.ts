import * as tf from "@tensorflow/tfjs-core";
import { controlDependency } from "../trace";

/** Keep tensors until the gradient is computed; does nothing where none will be. */
export type Save = (tensors: tf.Tensor[]) => void;

/** Whether gradients by weights are left out, see {@link withoutWeightGradients}. */
let inputsOnly = false;

/**
 * Differentiate by inputs alone: whatever gradients `fn` takes, those by weights are not computed.
 * tfjs would compute them, two thirds of the work, and drop them.
 */
export function withoutWeightGradients<T>(fn: () => T): T {
  const before = inputsOnly;
  inputsOnly = true;
  try {
    return fn();
  } finally {
    inputsOnly = before;
  }
}

/**
 * A function with its own gradient (`tf.customGrad` with types that fit).
 *
 * @param inputs What the function is differentiated by.
 * @param forward Computes the value; what the gradient needs goes through `save`.
 * @param backward From the gradient by the value and the saved tensors: one gradient per input; that
 * by a weight as a function, which is called where it is wanted.
 * @param recomputes Whether the gradient computes large tensors anew from the saved ones.
 */
export function differentiable<T extends tf.Tensor>(
  inputs: readonly tf.Tensor[],
  forward: (save: Save) => tf.Tensor,
  backward: (dy: T, saved: tf.Tensor[]) => (tf.Tensor | (() => tf.Tensor))[],
  recomputes = false,
): T {
  const op = tf.customGrad((...args) => {
    const save = args[args.length - 1] as unknown as Save;
    return {
      value: forward(save) as T,
      gradFunc: (dy: T, saved: tf.Tensor[]) =>
        backward(dy, recomputes ? controlDependency(saved, dy) : saved).map((gradient) => {
          if (typeof gradient !== "function") return gradient;
          // tfjs looks at the gradient of what it differentiates by, and at no other.
          return inputsOnly ? dy : gradient();
        }),
    };
  });
  return op(...(inputs as tf.Tensor[])) as T;
}
