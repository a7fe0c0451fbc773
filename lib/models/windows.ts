import * as tf from "@tensorflow/tfjs-core";

/** How a feature map is cut into windows. */
export interface Window {
  /** Of a window, positions. */
  readonly size: readonly [height: number, width: number];
  /** How far the grid of windows is shifted down and right, positions; 0 where it is not. */
  readonly shift: readonly [down: number, right: number];
}

/** [batch, height, width, c] → [batch × windows, tokens of a window, c] */
export function splitWindows(x: tf.Tensor4D, [h, w]: Window["size"]): tf.Tensor3D {
  const [batch, height, width, channels] = x.shape;
  const cut = tf.reshape(x, [batch, height / h, h, width / w, w, channels]);
  return tf.reshape(tf.transpose(cut, [0, 1, 3, 2, 4, 5]), [-1, h * w, channels]);
}

/** The inverse of {@link splitWindows}, for a map of this height and width. */
export function joinWindows(
  x: tf.Tensor3D,
  [height, width]: readonly [number, number],
  [h, w]: Window["size"],
): tf.Tensor4D {
  const channels = x.shape[2];
  const cut = tf.reshape(x, [-1, height / h, width / w, h, w, channels]);
  return tf.reshape(tf.transpose(cut, [0, 1, 3, 2, 4, 5]), [-1, height, width, channels]);
}

/**
 * The offsets between two positions of a window: log-spaced coordinates of each offset (equation 4
 * of Swin V2), and for each pair of positions the row of its offset.
 */
export function relativePositions([h, w]: Window["size"]): {
  coordinates: tf.Tensor2D;
  index: tf.Tensor1D;
} {
  const spread = (offset: number, side: number) => {
    const scaled = (8 * offset) / Math.max(side - 1, 1);
    return (Math.sign(scaled) * Math.log2(Math.abs(scaled) + 1)) / Math.log2(8);
  };
  const coordinates: number[][] = [];
  for (let dy = 1 - h; dy < h; dy++) {
    for (let dx = 1 - w; dx < w; dx++) coordinates.push([spread(dy, h), spread(dx, w)]);
  }
  const tokens = h * w;
  const index = Int32Array.from({ length: tokens * tokens }, (_, pair) => {
    const [a, b] = [Math.floor(pair / tokens), pair % tokens];
    const dy = Math.floor(a / w) - Math.floor(b / w) + h - 1;
    const dx = (a % w) - (b % w) + w - 1;
    return dy * (2 * w - 1) + dx;
  });
  return { coordinates: tf.tensor2d(coordinates), index: tf.tensor1d(index, "int32") };
}

/**
 * What to add to attention scores so that positions which a cyclic shift brought into one window do
 * not see each other: [windows, 1, tokens, tokens], 0 or −100.
 */
export function shiftMask(
  { size: [h, w], shift }: Window,
  [height, width]: readonly [number, number],
): tf.Tensor4D {
  // Three bands along each side: untouched windows, the last window's own part, what came around.
  const band = (at: number, length: number, window: number, by: number) =>
    at < length - window ? 0 : at < length - by || by === 0 ? 1 : 2;
  const across = width / w;
  const regions = Float32Array.from({ length: height * width }, (_, i) => {
    const [window, token] = [Math.floor(i / (h * w)), i % (h * w)];
    const y = Math.floor(window / across) * h + Math.floor(token / w);
    const x = (window % across) * w + (token % w);
    return 3 * band(y, height, h, shift[0]) + band(x, width, w, shift[1]);
  });
  const rows = tf.tensor(regions, [(height * width) / (h * w), 1, h * w, 1]);
  const apart = tf.notEqual(rows, tf.transpose(rows, [0, 1, 3, 2]));
  return tf.mul(tf.cast(apart, "float32"), -100);
}
