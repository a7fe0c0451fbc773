import * as tf from "@tensorflow/tfjs-core";
import { roll } from "../engine/ops/roll";
import { joinWindows, type Window } from "../models/windows";

/**
 * Values at the positions of windows as a map of the whole image: the inverse of Swin's cutting.
 *
 * @param values float32 `[images × windows, heads, positions]`
 * @param grid Height and width of the map, positions.
 * @returns float32 `[images, heads, height, width]`
 */
export function windowsToMap(
  values: tf.Tensor,
  { size, shift }: Window,
  grid: readonly [height: number, width: number],
): tf.Tensor4D {
  return tf.tidy(() => {
    const whole = (axis: 0 | 1) => Math.ceil(grid[axis] / size[axis]) * size[axis];
    const channelsLast = tf.transpose(values as tf.Tensor3D, [0, 2, 1]);
    const joined = joinWindows(channelsLast, [whole(0), whole(1)], size);
    const cut = tf.slice(joined, [0, 0, 0, 0], [-1, grid[0], grid[1], -1]);
    // The map had been shifted up and left.
    const rolled = shift[0] + shift[1] > 0 ? roll(cut, [...shift], [1, 2]) : cut;
    return tf.transpose(rolled, [0, 3, 1, 2]);
  });
}
