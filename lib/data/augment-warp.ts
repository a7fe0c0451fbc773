import * as tf from "@tensorflow/tfjs-core";
import type { D4Symmetry } from "../core/d4";
import { projectiveTransform } from "../engine/ops";

/** How each image of a batch is moved; every entry has shape `[batch]`. */
export interface Warp {
  /** +1, or −1 to mirror left and right. */
  readonly mirror?: tf.Tensor1D;
  /** Quarter turns counter-clockwise: 0, 1, 2 or 3. Exact for square images. */
  readonly turns?: tf.Tensor1D;
  /** Rotation in radians counter-clockwise, besides the quarter turns. */
  readonly angle?: tf.Tensor1D;
  /** Factor by which the image is enlarged; below 1 it shrinks. */
  readonly zoom?: tf.Tensor1D;
  /** Pixels to the right. */
  readonly shiftX?: tf.Tensor1D;
  /** Pixels down. */
  readonly shiftY?: tf.Tensor1D;
}

/**
 * Mirror, turn, rotate, zoom and shift each image in one pass. What lies beyond the border is the
 * mirror image of what lies inside, so that the sky goes on.
 *
 * @param images float32 `[batch, height, width, channels]`
 */
export function warp(images: tf.Tensor4D, by: Warp): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, height, width] = images.shape;
    const one = tf.ones([batch]);
    const zero = tf.zeros([batch]);
    const turns = by.turns ?? zero;
    const is = (n: number) => tf.cast(tf.equal(turns, n), "float32");
    // cos and sin of the quarter turn are exact, so that pixels land on pixels.
    const [c0, s0] = [tf.sub(is(0), is(2)), tf.sub(is(1), is(3))];
    const [ca, sa] = by.angle ? [tf.cos(by.angle), tf.sin(by.angle)] : [one, zero];
    const shrink = by.zoom ? tf.div(one, by.zoom) : one;
    const cos = tf.mul(shrink, tf.sub(tf.mul(c0, ca), tf.mul(s0, sa)));
    const sin = tf.mul(shrink, tf.add(tf.mul(s0, ca), tf.mul(c0, sa)));
    const mirror = by.mirror ?? one;
    // Output to input: undo the shift about the center, rotate and scale, mirror.
    const [a0, a1] = [tf.mul(mirror, cos), tf.mul(mirror, tf.neg(sin))];
    const [cx, cy] = [(width - 1) / 2, (height - 1) / 2];
    const x = tf.sub(-cx, by.shiftX ?? zero);
    const y = tf.sub(-cy, by.shiftY ?? zero);
    const a2 = tf.add(tf.add(tf.mul(a0, x), tf.mul(a1, y)), cx);
    const b2 = tf.add(tf.add(tf.mul(sin, x), tf.mul(cos, y)), cy);
    const rows = tf.stack([a0, a1, a2, sin, cos, b2], 1) as tf.Tensor2D;
    return projectiveTransform(images, rows, { fillMode: "reflect" });
  });
}

/**
 * Apply one of the eight symmetries of the square to each image. Exact.
 *
 * @param images `[batch, size, size, channels]`
 */
export function d4Symmetry(images: tf.Tensor4D, { mirrored, turns }: D4Symmetry): tf.Tensor4D {
  return tf.tidy(() => {
    let result = mirrored ? tf.reverse(images, 2) : images;
    if (turns === 2) result = tf.reverse(result, [1, 2]);
    if (turns % 2 === 1) {
      result = tf.reverse(tf.transpose(result, [0, 2, 1, 3]), turns === 1 ? 1 : 2);
    }
    return result === images ? tf.clone(images) : result;
  });
}
