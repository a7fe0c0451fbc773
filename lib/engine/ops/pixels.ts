import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, nativeEngine, nativeOp } from "../native";
import { fused } from "../trace";

/**
 * Stored pixels for a compiled function, four to a number where that is possible, so that they are
 * copied as they are and made floating-point numbers in TensorFlow's threads.
 *
 * @param pixels uint8 `[batch, height, width, 3]`
 * @returns int32 `[batch, height, width · 3/4]`, or float32 `[batch, height, width, 3]`, for {@link unitRange}
 */
export function upload(pixels: Uint8Array, shape: readonly [number, number, number]): tf.Tensor {
  const [batch, height, width] = shape;
  if (nativeEngine() === undefined || width % 4 !== 0 || pixels.byteOffset % 4 !== 0) {
    return tf.tensor4d(new Float32Array(pixels), [batch, height, width, 3]);
  }
  const fours = new Int32Array(pixels.buffer, pixels.byteOffset, pixels.length / 4);
  return tf.tensor3d(fours, [batch, height, (width * 3) / 4]);
}

/**
 * Stored pixels as numbers from 0 to 1.
 *
 * @param pixels float32 `[batch, height, width, 3]`, 0…255, or what {@link upload} made of them
 */
export function unitRange(pixels: tf.Tensor): tf.Tensor4D {
  if (pixels.rank === 4) return tf.mul(pixels, 1 / 255) as tf.Tensor4D;
  const [batch, height, fours] = pixels.shape;
  return tf.tidy(() => {
    const [types, float] = [attribute.type("SrcT", DT.uint8), attribute.type("DstT", DT.float32)];
    const from = [attribute.type("T", DT.int32), attribute.type("type", DT.uint8)];
    const [bytes] = nativeOp("Bitcast", from, [pixels]);
    const x = fused(() => tf.mul(nativeOp("Cast", [types, float], [bytes])[0], 1 / 255));
    return tf.reshape(x, [batch, height, (fours * 4) / 3, 3]);
  });
}
