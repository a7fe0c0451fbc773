import * as tf from "@tensorflow/tfjs-core";
import { computeMaps, type Maps } from "./maps";

/**
 * Maps brought to another size, linear between the centers of their cells.
 *
 * @param size Height and width, such as the image's.
 */
export function enlarge(maps: Maps, size: readonly [height: number, width: number]): Maps {
  const [height, width] = maps.size;
  if (height === size[0] && width === size[1]) return maps;
  return computeMaps(() => {
    const count = maps.values.length / (height * width);
    const cells = tf.tensor4d(maps.values, [count, height, width, 1]);
    // Half-pixel centers, as one would draw it.
    return tf.squeeze(tf.image.resizeBilinear(cells, [...size], false, true), [3]);
  });
}
