import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, nativeBackend, nativeOp } from "../native";

export interface TransformOptions {
  /** Default `bilinear`. */
  readonly interpolation?: "nearest" | "bilinear";
  /** What lies beyond the border: a constant, the mirror image, the image again, its edge. */
  readonly fillMode?: "constant" | "reflect" | "wrap" | "nearest";
  /** Only for `constant`. Default 0. */
  readonly fillValue?: number;
  /** [height, width] of the result; default that of the images. */
  readonly outputShape?: readonly [number, number];
}

/**
 * Warp images. For transform [a0, a1, a2, b0, b1, b2, c0, c1] the output pixel (x, y) is taken at
 * ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k) with k = c0 x + c1 y + 1. Not differentiated.
 *
 * @param images float32 [batch, height, width, channels]
 * @param transforms float32 [batch, 8], or [1, 8] for all
 */
export function projectiveTransform(
  images: tf.Tensor4D,
  transforms: tf.Tensor2D,
  options: TransformOptions = {},
): tf.Tensor4D {
  const { interpolation = "bilinear", fillMode = "constant", fillValue = 0 } = options;
  const [height, width] = options.outputShape ?? [images.shape[1], images.shape[2]];
  if (nativeBackend() === undefined) {
    const size: [number, number] = [height, width];
    // One image at a time: tfjs 4.22 on its plain CPU engine transforms the first of a batch only.
    return tf.tidy(() => {
      const matrices = tf.split<tf.Tensor2D>(transforms, transforms.shape[0]);
      return tf.concat(
        tf
          .split<tf.Tensor4D>(images, images.shape[0])
          .map((image, i) =>
            tf.image.transform(
              image,
              matrices[i % matrices.length],
              interpolation,
              fillMode,
              fillValue,
              size,
            ),
          ),
      );
    });
  }
  return tf.tidy(
    () =>
      nativeOp(
        "ImageProjectiveTransformV3",
        [
          attribute.type("dtype", DT.float32),
          attribute.string("interpolation", interpolation.toUpperCase()),
          attribute.string("fill_mode", fillMode.toUpperCase()),
        ],
        [images, transforms, tf.tensor1d([height, width], "int32"), tf.scalar(fillValue)],
      )[0] as tf.Tensor4D,
  );
}
