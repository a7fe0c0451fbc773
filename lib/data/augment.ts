import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { UserError } from "../core/errors";
import { statelessNormal, statelessUniform } from "../engine/ops";
import { blur, changeColor } from "./augment-color";
import { box } from "./augment-mix";
import { warp } from "./augment-warp";

const from0 = z.number().min(0);

/** What may be changed at random about the images of a batch, in the order it is applied. */
const augmentationSchema = z.strictObject({
  /** Mirror every second image, left and right. Default false. */
  flip: z.boolean().default(false),
  /** Turn each image by 0, 90, 180 or 270 degrees. Default false. */
  quarterTurns: z.boolean().default(false),
  /** Rotate by up to this many degrees either way, 0–180. Default 0: off. */
  rotation: from0.max(180).default(0),
  /** Enlarge or shrink by up to this factor, 1–4: 1.2 is 1/1.2 to 1.2. Default 1: off. */
  zoom: z.number().min(1).max(4).default(1),
  /** Shift by up to this part of the width and height, 0–0.5. Default 0: off. */
  shift: from0.max(0.5).default(0),
  /** Multiply all values by 1 − this to 1 + this, 0–1. Default 0: off. */
  brightness: from0.max(1).default(0),
  /** Multiply distances from the image's mean gray by 1 − this to 1 + this, 0–1. Default 0: off. */
  contrast: from0.max(1).default(0),
  /** Multiply distances from each pixel's gray by 1 − this to 1 + this, 0–1. Default 0: off. */
  saturation: from0.max(1).default(0),
  /** Rotate colors about gray by up to this part of a turn either way, 0–0.5. Default 0: off. */
  hue: from0.max(0.5).default(0),
  /** Blur by a Gaussian of a standard deviation up to this many pixels, 0–8. Default 0: off. */
  blur: from0.max(8).default(0),
  /** Add Gaussian noise of a standard deviation up to this, for values of 0–1. Default 0: off. */
  noise: from0.max(1).default(0),
  /** Chance to replace a box of 2–20 % of an image by its mean color, 0–1. Default 0: off. */
  randomErasing: from0.max(1).default(0),
  /**
   * α of MixUp's Beta(α, α), 0–10, see `mixBatch`: two images and their targets are added. Default 0:
   * off. Beside `cutmix` each image gets one of the two by chance.
   */
  mixup: from0.max(10).default(0),
  /** α of CutMix's Beta(α, α), 0–10: a box of one image is put into another. Default 0: off. */
  cutmix: from0.max(10).default(0),
});

/** What other libraries, other spellings and earlier versions call the keys. */
const otherWords: Readonly<Record<string, string>> = {
  erase: "randomErasing",
  erasing: "randomErasing",
  cutout: "randomErasing",
  colour: "brightness, contrast, saturation or hue",
  color: "brightness, contrast, saturation or hue",
  colorjitter: "brightness, contrast, saturation or hue",
  colourjitter: "brightness, contrast, saturation or hue",
  horizontalflip: "flip",
  verticalflip: "flip and quarterTurns",
  mirror: "flip",
  rotate: "rotation",
  degrees: "rotation",
  scale: "zoom",
  translate: "shift",
  gaussianblur: "blur",
  gaussiannoise: "noise",
};

/** Settings of an augmentation, complete; the schema says what each key is. */
export type Augmentation = z.infer<typeof augmentationSchema>;

/** Augmentations that go by a name. */
export const augmentationPresets: Readonly<Record<"none" | "galaxy" | "strong", Augmentation>> = {
  /** Images as they are. */
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
  /** All of it, for long training of large networks. */
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
    randomErasing: 0.25,
    mixup: 0.2,
    cutmix: 1,
  }),
};

/**
 * An augmentation from a preset's name, or from a mapping of its parts (`preset` may be one of them
 * and is then the starting point).
 *
 * @throws UserError naming the key, what was given and what was expected; for a key that is called
 * otherwise here, how.
 */
export function parseAugmentation(given: unknown): Augmentation {
  if (typeof given === "string") return preset(given);
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new UserError(
      `augmentation is ${JSON.stringify(given)}; expected a preset's name or a mapping.`,
      `Use one of ${Object.keys(augmentationPresets).join(", ")}, or a mapping.`,
    );
  }
  const { preset: name, ...changes } = given as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(changes).find((key) => !Object.hasOwn(augmentationSchema.shape, key));
  if (unknown !== undefined) {
    const word = rightWord(unknown);
    throw new UserError(
      `augmentation.${unknown}: there is no such key${word ? `; write ${word}` : ""}.`,
      `The keys are preset, ${Object.keys(augmentationSchema.shape).join(", ")}.`,
    );
  }
  const start = name === undefined ? {} : preset(String(name));
  const result = augmentationSchema.safeParse({ ...start, ...changes });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new UserError(
    `augmentation.${issue.path.join(".")}: ${issue.message}.`,
    "Correct the value, or leave the key out.",
  );
}

/** What a key that does not exist is called here, if it is known. */
function rightWord(key: string): string | undefined {
  const plain = (word: string) => word.toLowerCase().replace(/[^a-z]/g, "");
  const alike = Object.keys(augmentationSchema.shape).find((own) => plain(own) === plain(key));
  if (alike !== undefined) return alike;
  return Object.hasOwn(otherWords, plain(key)) ? otherWords[plain(key)] : undefined;
}

function preset(name: string): Augmentation {
  for (const [key, value] of Object.entries(augmentationPresets)) if (key === name) return value;
  throw new UserError(
    `augmentation '${name}' is not known.`,
    `Use one of ${Object.keys(augmentationPresets).join(", ")}, or a mapping.`,
  );
}

/**
 * Change the images of a batch at random, each in its own way, by ops that can be traced into a
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
  if (!warps && !colors && a.blur === 0 && a.noise === 0 && a.randomErasing === 0) return images;
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
    if (a.randomErasing > 0) x = randomErasing(x, draws.slice(12), a.randomErasing);
    return tf.clipByValue(x, 0, 1);
  });
}

/** Random erasing (Zhong et al. 2020) with the image's mean color. */
function randomErasing(
  images: tf.Tensor4D,
  draws: readonly tf.Tensor1D[],
  chance: number,
): tf.Tensor4D {
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
