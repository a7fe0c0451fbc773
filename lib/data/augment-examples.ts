import * as tf from "@tensorflow/tfjs-core";
import { valuesOf } from "../engine/values-of";
import { type Augmentation, augment, augmentationPresets, parseAugmentation } from "./augment";
import { mixBatch } from "./augment-mix";

/** What one augmentation makes of an image. */
export interface AugmentationExample {
  /** Such as `rotation` or `preset galaxy`. */
  readonly name: string;
  /** Several draws: uint8 RGB `[height, width, 3]` each. */
  readonly images: readonly Uint8Array[];
}

/** Each augmentation alone, strong enough to be seen. */
const alone: Readonly<Record<string, Partial<Augmentation>>> = {
  "flip, quarter turns": { flip: true, quarterTurns: true },
  rotation: { rotation: 180 },
  zoom: { zoom: 1.5 },
  shift: { shift: 0.2 },
  brightness: { brightness: 0.5 },
  contrast: { contrast: 0.5 },
  saturation: { saturation: 0.9 },
  hue: { hue: 0.15 },
  "PSF blur": { blur: 2.5 },
  noise: { noise: 0.15 },
  "random erasing": { randomErasing: 1 },
  MixUp: { mixup: 1 },
  CutMix: { cutmix: 1 },
};

/**
 * Pictures of each augmentation and of each preset, to be looked at before training.
 *
 * @param pixels uint8 RGB `[count, height, width, 3]`: images to start from, at least two for the
 * mixing ones.
 * @returns First the images as they are, then one entry an augmentation with one draw an image.
 */
export function augmentationExamples(
  pixels: Uint8Array,
  [height, width]: readonly [number, number],
  seed = 42,
): AugmentationExample[] {
  const bytes = height * width * 3;
  const count = pixels.length / bytes;
  const parts = (values: ArrayLike<number>) =>
    Array.from({ length: count }, (_, i) =>
      Uint8Array.from({ length: bytes }, (_, j) => Math.round(values[i * bytes + j])),
    );
  const kinds: Record<string, Augmentation> = Object.fromEntries(
    Object.entries(alone).map(([name, part]) => [name, parseAugmentation(part)]),
  );
  kinds["preset galaxy"] = augmentationPresets.galaxy;
  kinds["preset strong"] = augmentationPresets.strong;
  const examples: AugmentationExample[] = [{ name: "none", images: parts(pixels) }];
  for (const [name, kind] of Object.entries(kinds)) {
    const values = valuesOf(() => {
      const images = tf.div(tf.tensor4d(pixels, [count, height, width, 3], "float32"), 255);
      const draw = tf.tensor1d([seed, 0], "int32");
      const nobody = tf.zeros([count, 1]) as tf.Tensor2D;
      const moved = augment(images as tf.Tensor4D, draw, kind);
      return tf.mul(mixBatch(moved, nobody, draw, kind)[0], 255);
    });
    examples.push({ name, images: parts(values) });
  }
  return examples;
}
