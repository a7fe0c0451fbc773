import * as tf from "@tensorflow/tfjs-core";

/** One map an image: what a method finds at each place. */
export interface SaliencyMaps {
  /** float32 `[images, height, width]`, row-major. */
  readonly values: Float32Array;
  /** Height and width of one map: pixels, patches or cells of a feature map. */
  readonly size: readonly [height: number, width: number];
}

/** The map of one image: `[height, width]`. */
export function mapOf({ values, size }: SaliencyMaps, image: number): Float32Array {
  const length = size[0] * size[1];
  return values.subarray(image * length, (image + 1) * length);
}

/** Maps from a function that computes a tensor `[images, height, width]`; nothing stays behind. */
export function computeMaps(compute: () => tf.Tensor): SaliencyMaps {
  const maps = tf.tidy(compute);
  const [, height, width] = maps.shape;
  const values = maps.dataSync<"float32">() as Float32Array;
  maps.dispose();
  return { values, size: [height, width] };
}
