import { resizeImage } from "../core/resize";
import { mapOf, type SaliencyMaps } from "./saliency-maps";

/**
 * Maps brought to another size, linear between the centers of their cells.
 *
 * @param size Height and width, such as the image's, pixels.
 */
export function upsample(
  maps: SaliencyMaps,
  size: readonly [height: number, width: number],
): SaliencyMaps {
  const [height, width] = maps.size;
  if (height === size[0] && width === size[1]) return maps;
  const count = maps.values.length / (height * width);
  const values = new Float32Array(count * size[0] * size[1]);
  for (let image = 0; image < count; image++) {
    const large = resizeImage(mapOf(maps, image), maps.size, size, 1, "bilinear");
    values.set(large, image * large.length);
  }
  return { values, size };
}
