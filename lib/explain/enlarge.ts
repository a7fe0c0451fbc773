import { resizeImage } from "../core/resize";
import { type Maps, mapOf } from "./maps";

/**
 * Maps brought to another size, linear between the centers of their cells.
 *
 * @param size Height and width, such as the image's.
 */
export function enlarge(maps: Maps, size: readonly [height: number, width: number]): Maps {
  const [height, width] = maps.size;
  if (height === size[0] && width === size[1]) return maps;
  const values = new Float32Array((maps.values.length / (height * width)) * size[0] * size[1]);
  for (let at = 0, map = 0; at < values.length; at += size[0] * size[1], map++) {
    values.set(resizeImage(mapOf(maps, map), maps.size, size, 1), at);
  }
  return { values, size };
}
