import * as tf from "@tensorflow/tfjs-core";

/** How the colors of each image change; every entry has shape `[batch]`. */
export interface ColorChange {
  /** Factor on all values; 1 changes nothing. */
  readonly brightness?: tf.Tensor1D;
  /** Factor on the distance from the image's mean gray. */
  readonly contrast?: tf.Tensor1D;
  /** Factor on the distance from each pixel's own gray; 0 gives a gray image. */
  readonly saturation?: tf.Tensor1D;
  /** Rotation of the colors about gray, in turns. */
  readonly hue?: tf.Tensor1D;
}

/** Luma of ITU-R BT.601. */
const luma = [0.299, 0.587, 0.114];

/**
 * Change brightness, contrast, saturation and hue: one 3 × 3 matrix and one offset an image.
 * The result may leave [0, 1].
 *
 * @param images float32 RGB `[batch, height, width, 3]`, 0–1
 */
export function changeColor(images: tf.Tensor4D, by: ColorChange): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, height, width] = images.shape;
    const column = (x: tf.Tensor1D) => tf.reshape(x, [batch, 1, 1]);
    const gray = tf.tensor2d(
      luma.flatMap((l) => [l, l, l]),
      [3, 3],
    );
    const identity = tf.eye(3);
    let matrix: tf.Tensor = tf.tile(tf.reshape(identity, [1, 3, 3]), [batch, 1, 1]);
    if (by.hue) matrix = hueMatrix(by.hue);
    if (by.saturation) {
      const s = column(by.saturation);
      matrix = tf.matMul(matrix, tf.add(tf.mul(s, identity), tf.mul(tf.sub(1, s), gray)));
    }
    if (by.brightness) matrix = tf.mul(matrix, column(by.brightness));
    let pixels: tf.Tensor = tf.matMul(tf.reshape(images, [batch, height * width, 3]), matrix);
    if (by.contrast) {
      const c = column(by.contrast);
      const mean = tf.sum(tf.mul(tf.mean(pixels, 1, true), tf.tensor1d(luma)), 2, true);
      pixels = tf.add(tf.mul(pixels, c), tf.mul(mean, tf.sub(1, c)));
    }
    return tf.reshape(pixels, images.shape);
  });
}

/** Rotation about the gray axis (1, 1, 1) by Rodrigues' formula, `[batch, 3, 3]`. */
function hueMatrix(turns: tf.Tensor1D): tf.Tensor {
  const angle = tf.reshape(tf.mul(turns, 2 * Math.PI), [-1, 1, 1]);
  const cos = tf.cos(angle);
  const along = tf.mul(tf.sub(1, cos), tf.fill([3, 3], 1 / 3));
  const k = 1 / Math.sqrt(3);
  const across = tf.mul(tf.sin(angle), tf.tensor2d([0, k, -k, -k, 0, k, k, -k, 0], [3, 3]));
  return tf.add(tf.add(tf.mul(cos, tf.eye(3)), along), across);
}

/**
 * Blur each image by a Gaussian of its own width, as worse seeing would.
 *
 * @param sigma Standard deviation in pixels, `[batch]`.
 * @param largest No sigma is above this; the kernel reaches three times as far.
 */
export function blur(images: tf.Tensor4D, sigma: tf.Tensor1D, largest: number): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, height, width] = images.shape;
    const reach = Math.max(1, Math.ceil(3 * largest));
    const offsets = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
    // A floor keeps σ = 0 finite: its kernel is then 1 in the middle.
    const floor = tf.maximum(tf.reshape(sigma, [batch, 1]), 1e-3);
    const raw = tf.exp(tf.mul(tf.square(tf.div(tf.tensor2d([offsets]), floor)), -0.5));
    const kernel = tf.div(raw, tf.sum(raw, 1, true));
    const weights = tf.split(tf.reshape(kernel, [batch, 1, 1, offsets.length]), offsets.length, 3);
    let result: tf.Tensor4D = images;
    for (const axis of [1, 2]) {
      const sides: [number, number][] = [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
      ];
      sides[axis] = [reach, reach];
      const padded = tf.mirrorPad(result, sides, "reflect");
      const terms = offsets.map((offset, i) => {
        const start = [0, 0, 0, 0];
        start[axis] = offset + reach;
        return tf.mul(tf.slice(padded, start, [batch, height, width, 3]), weights[i]);
      });
      result = tf.addN(terms) as tf.Tensor4D;
    }
    return result;
  });
}
