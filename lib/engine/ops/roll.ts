import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, dtypeNumber, nativeEngine, nativeOp } from "../native";
import { differentiable } from "./differentiable";

/**
 * Shift elements along axes; what leaves on one side enters on the other.
 *
 * @param shifts By how many elements, towards higher indices; one per axis.
 */
export function roll<T extends tf.Tensor>(
  x: T,
  shifts: readonly number[],
  axes: readonly number[],
): T {
  if (nativeEngine() === undefined) return composedRoll(x, shifts, axes);
  const run = (value: tf.Tensor, by: readonly number[]) =>
    nativeOp(
      "Roll",
      [
        attribute.type("T", dtypeNumber(value.dtype)),
        attribute.type("Tshift", DT.int32),
        attribute.type("Taxis", DT.int32),
      ],
      [value, tf.tensor1d([...by], "int32"), tf.tensor1d([...axes], "int32")],
    )[0];
  return differentiable<T>(
    [x],
    () => run(x, shifts),
    (dy) => [
      run(
        dy,
        shifts.map((shift) => -shift),
      ),
    ],
  );
}

function composedRoll<T extends tf.Tensor>(
  x: T,
  shifts: readonly number[],
  axes: readonly number[],
): T {
  let y = x;
  axes.forEach((axis, i) => {
    const size = y.shape[axis];
    const shift = ((shifts[i] % size) + size) % size;
    if (shift === 0) return;
    const [head, tail] = tf.split(y, [size - shift, shift], axis);
    y = tf.concat([tail, head], axis) as T;
  });
  return y;
}
