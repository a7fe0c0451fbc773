import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { UserError } from "../core/errors";
import { statelessNormal, statelessUniform } from "../engine/ops";
import { blur, changeColor } from "./augment-color";
import { box } from "./augment-mix";
import { warp } from "./augment-warp";

const range = z.number().min(0);

/** What may be changed at random about the images of a batch, in the order it is applied. */
const augmentationSchema = z.strictObject({
  /** Mirror images. */
  flip: z.boolean().default(false),
  /** Turn by 0, 90, 180 or 270 degrees. */
  quarterTurns: z.boolean().default(false),
  /** Rotate by up to this many degrees either way. */
  rotation: range.max(180).default(0),
  /** Enlarge or shrink by up to this factor: 1.2 is 1/1.2 to 1.2. */
  zoom: z.number().min(1).max(4).default(1),
  /** Shift by up to this part of the width and height. */
  shift: range.max(0.5).default(0),
  /** Change by up to this part either way: 0.1 is a factor of 0.9 to 1.1. */
  brightness: range.max(1).default(0),
  contrast: range.max(1).default(0),
  saturation: range.max(1).default(0),
  /** Rotate colors by up to this part of a turn either way. */
  hue: range.max(0.5).default(0),
  /** Blur by a Gaussian of a standard deviation up to this many pixels. */
  blur: range.max(8).default(0),
  /** Add Gaussian noise of a standard deviation up to this, for images in 0–1. */
  noise: range.max(1).default(0),
  /** Chance to replace a box of 2–20 % of the image by its mean color. */
  erase: range.max(1).default(0),
  /** α of MixUp and of CutMix, 0 for none; they need the targets, see `mixBatch`. */
  mixup: range.max(10).default(0),
  cutmix: range.max(10).default(0),
});

export type Augmentation = z.infer<typeof augmentationSchema>;

/** Augmentations that go by a name. */
export const augmentationPresets: Readonly<Record<"none" | "galaxy" | "strong", Augmentation>> = {
  none: augmentationSchema.parse({}),
  /** Galaxies have no up and no handedness; exposure and color calibration vary a little. */
  galaxy: augmentationSchema.parse({
    flip: true,
    quarterTurns: true,
    rotation: 45,
    zoom: 1.1,
    brightness: 0.1,
    contrast: 0.1,
    saturation: 0.1,
  }),
  strong: augmentationSchema.parse({
    flip: true,
    quarterTurns: true,
    rotation: 45,
    zoom: 1.3,
    shift: 0.06,
    brightness: 0.25,
    contrast: 0.25,
    saturation: 0.25,
    hue: 0.03,
    blur: 1,
    noise: 0.03,
    erase: 0.25,
    mixup: 0.2,
    cutmix: 1,
  }),
};

/**
 * An augmentation from a preset's name, or from a mapping of its parts (`preset` may be one of them
 * and is then the starting point).
 *
 * @throws UserError naming the key, what was given and what was expected.
 */
export function parseAugmentation(given: unknown): Augmentation {
  if (typeof given === "string") return preset(given);
  const { preset: name, ...changes } = z.looseObject({}).catch({}).parse(given);
  const start = name === undefined ? {} : preset(String(name));
  const result = augmentationSchema.safeParse(
    typeof given === "object" && given !== null ? { ...start, ...changes } : given,
  );
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new UserError(
    `augmentation${issue.path.length > 0 ? `.${issue.path.join(".")}` : ""}: ${issue.message}.`,
    `Correct it; the keys are ${Object.keys(augmentationSchema.shape).join(", ")}.`,
  );
}

function preset(name: string): Augmentation {
  for (const [key, value] of Object.entries(augmentationPresets)) if (key === name) return value;
  throw new UserError(
    `augmentation '${name}' is not known.`,
    `Use one of ${Object.keys(augmentationPresets).join(", ")}, or a mapping.`,
  );
}

/**
 * Change the images of a batch at random, each in its own way, by ops that can be recorded into a
 * compiled step. The same seed gives the same result. MixUp and CutMix are left to `mixBatch`.
 *
 * @param images float32 RGB `[batch, height, width, 3]`, 0–1
 * @param seed int32 `[2]`
 * @returns The same shape, 0–1. With nothing to do, the images themselves.
 */
export function augment(images: tf.Tensor4D, seed: tf.Tensor, a: Augmentation): tf.Tensor4D {
  const [batch, height, width] = images.shape;
  const warps = a.flip || a.quarterTurns || a.rotation > 0 || a.zoom > 1 || a.shift > 0;
  const colors = a.brightness > 0 || a.contrast > 0 || a.saturation > 0 || a.hue > 0;
  if (!warps && !colors && a.blur === 0 && a.noise === 0 && a.erase === 0) return images;
  return tf.tidy(() => {
    // One row of numbers a parameter, whatever is switched on: a change of one leaves the others.
    const draws = tf.unstack(statelessUniform([16, batch], seed)) as tf.Tensor1D[];
    const around = (row: number, reach: number, middle = 0) =>
      tf.add(middle - reach, tf.mul(draws[row], 2 * reach)) as tf.Tensor1D;
    const upTo = (row: number, most: number) => tf.mul(draws[row], most) as tf.Tensor1D;
    let x = images;
    if (warps) {
      const half = tf.cast(tf.less(draws[0], 0.5), "float32");
      x = warp(x, {
        mirror: a.flip ? (tf.sub(1, tf.mul(2, half)) as tf.Tensor1D) : undefined,
        turns: a.quarterTurns ? tf.floor(upTo(1, 4)) : undefined,
        angle: a.rotation > 0 ? around(2, (a.rotation * Math.PI) / 180) : undefined,
        zoom: a.zoom > 1 ? tf.exp(around(3, Math.log(a.zoom))) : undefined,
        shiftX: a.shift > 0 ? around(4, a.shift * width) : undefined,
        shiftY: a.shift > 0 ? around(5, a.shift * height) : undefined,
      });
    }
    if (colors) {
      x = changeColor(x, {
        brightness: a.brightness > 0 ? around(6, a.brightness, 1) : undefined,
        contrast: a.contrast > 0 ? around(7, a.contrast, 1) : undefined,
        saturation: a.saturation > 0 ? around(8, a.saturation, 1) : undefined,
        hue: a.hue > 0 ? around(9, a.hue) : undefined,
      });
    }
    if (a.blur > 0) x = blur(x, upTo(10, a.blur), a.blur);
    if (a.noise > 0) {
      const deviation = tf.reshape(upTo(11, a.noise), [batch, 1, 1, 1]);
      const noise = statelessNormal(images.shape, tf.add(seed, tf.tensor1d([0, 1], "int32")));
      x = tf.add(x, tf.mul(noise, deviation));
    }
    if (a.erase > 0) x = erase(x, draws.slice(12), a.erase);
    return tf.clipByValue(x, 0, 1);
  });
}

/** Random erasing (Zhong et al. 2020) with the image's mean color. */
function erase(images: tf.Tensor4D, draws: readonly tf.Tensor1D[], chance: number): tf.Tensor4D {
  const [batch, height, width] = images.shape;
  const [yes, extent, atX, atY] = draws;
  const side = tf.sqrt(tf.add(0.02, tf.mul(extent, 0.18)));
  const chosen = tf.cast(tf.less(yes, chance), "float32");
  const mask = tf.mul(
    box(atX, atY, side, side, height, width),
    tf.reshape(chosen, [batch, 1, 1, 1]),
  );
  const mean = tf.mean(images, [1, 2], true);
  return tf.add(images, tf.mul(mask, tf.sub(mean, images)));
}
