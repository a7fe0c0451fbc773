import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, nativeEngine, nativeOp } from "../native";
import { fused, isFusing } from "../trace";

/** How {@link projectiveTransform} samples. */
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
 * @param transforms float32 [batch, 8], or [1, 8] for all; of 6 numbers, c0 = c1 = 0
 */
export function projectiveTransform(
  images: tf.Tensor4D,
  transforms: tf.Tensor2D,
  options: TransformOptions = {},
): tf.Tensor4D {
  const { interpolation = "bilinear", fillMode = "constant", fillValue = 0 } = options;
  const [height, width] = options.outputShape ?? [images.shape[1], images.shape[2]];
  const elements = images.shape[0] * height * width * images.shape[3];
  if (interpolation === "bilinear" && fillMode === "reflect" && isFusing(elements)) {
    return reflected(images, transforms, height, width);
  }
  if (transforms.shape[1] === 6) {
    return tf.tidy(() =>
      projectiveTransform(
        images,
        tf.pad2d(transforms, [
          [0, 0],
          [0, 2],
        ]),
        options,
      ),
    );
  }
  if (nativeEngine() === undefined) {
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

/**
 * Bilinear interpolation with reflection as one kernel: TensorFlow's own op takes 3.7 times as long,
 * because it works out where to look, with divisions, for every channel anew.
 */
function reflected(
  images: tf.Tensor4D,
  transforms: tf.Tensor2D,
  height: number,
  width: number,
): tf.Tensor4D {
  const [batch, rows, columns, channels] = images.shape;
  const [a0, a1, a2, b0, b1, b2, c0, c1] = tf
    .unstack(transforms, 1)
    .map((column) => tf.reshape(column, [-1, 1, 1]));
  return fused(() => {
    const x = tf.reshape(tf.range(0, width), [1, 1, width]);
    const y = tf.reshape(tf.range(0, height), [1, height, 1]);
    const along = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor | number) =>
      tf.add(tf.add(tf.mul(a, x), tf.mul(b, y)), c);
    const [u, v] = [along(a0, a1, a2), along(b0, b1, b2)];
    const k = c0 && along(c0, c1, 1);
    const [left, toRight] = place(k ? tf.div(u, k) : u, columns);
    const [top, toBottom] = place(k ? tf.div(v, k) : v, rows);
    const first = tf.reshape(tf.range(0, batch, 1, "int32"), [batch, 1, 1]);
    const int = (value: number) => tf.scalar(value, "int32");
    const line = tf.add(tf.mul(first, int(rows)), top);
    const index = tf.add(tf.mul(line, int(columns)), left);
    const pixels = tf.reshape(images, [-1, channels]);
    const at = (offset: number) => tf.gather(pixels, tf.add(index, int(offset)) as tf.Tensor3D);
    const [right, down] = [columns > 1 ? 1 : 0, rows > 1 ? columns : 0];
    const upper = between(at(0), at(right), toRight);
    const lower = between(at(down), at(down + right), toRight);
    return between(upper, lower, toBottom) as tf.Tensor4D;
  });
}

/** The pixel on a coordinate's left, int32, and the part of the way to the next; mirrored at borders. */
function place(coordinate: tf.Tensor, size: number): [pixel: tf.Tensor, part: tf.Tensor] {
  // The mirror images repeat every 2 · size: a triangle wave of the distance to the nearest repeat.
  const turns = tf.mul(tf.add(coordinate, 0.5), 1 / (2 * size));
  const wave = tf.sub(tf.mul(tf.abs(tf.sub(turns, tf.round(turns))), 2 * size), 0.5);
  const inside = tf.minimum(tf.maximum(wave, 0), size - 1);
  const pixel = tf.minimum(tf.floor(inside), Math.max(size - 2, 0));
  return [tf.cast(pixel, "int32"), tf.expandDims(tf.sub(inside, pixel), -1)];
}

function between(from: tf.Tensor, to: tf.Tensor, part: tf.Tensor): tf.Tensor {
  return tf.add(from, tf.mul(part, tf.sub(to, from)));
}
