import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import type { Model } from "../models/module";
import { joinWindows, type Window } from "../models/windows";

/** Which key of a layer lies where in the image. */
export interface AttentionGeometry {
  /** Tokens before those of patches: the class token first, then registers; 0 without them. */
  readonly prefix: number;
  /** Height and width of the grid of the other keys. */
  readonly grid: readonly [height: number, width: number];
  /** Where attention stays inside windows. */
  readonly window?: Window;
}

/** Tells where the keys of a captured layer lie, from the model's parameters and the shape. */
export function attentionGeometry(
  model: Model,
  name: string,
  weights: tf.Tensor4D,
): AttentionGeometry {
  const shape = (parameter: string) => model.parameters.get(parameter)?.variable.shape;
  const cut = (by: number): [number, number] => [
    Math.ceil(model.inputSize[0] / by),
    Math.ceil(model.inputSize[1] / by),
  ];
  const patch = shape("patch_embed.proj.weight")?.[0];
  const swin = /^layers\.(\d+)\.blocks\.(\d+)\.attn$/.exec(name);
  if (swin !== null && patch !== undefined) {
    const grid = cut(patch * 2 ** Number(swin[1]));
    return { prefix: 0, grid, window: windowOf(weights.shape[3], grid, Number(swin[2])) };
  }
  if (patch !== undefined) {
    return { prefix: 1 + (shape("reg_token")?.[1] ?? 0), grid: cut(patch) };
  }
  const flat = shape("to_patch_embedding.1.weight")?.[1];
  if (flat !== undefined) return { prefix: 1, grid: cut(Math.sqrt(flat / 3)) };
  const stage = /^cvt\.encoder\.stages\.(\d+)\./.exec(name)?.[1];
  if (stage !== undefined) {
    const prefix = shape(`cvt.encoder.stages.${stage}.cls_token`) === undefined ? 0 : 1;
    // The embeddings halve twice, then once a stage; keys and values once more.
    return { prefix, grid: cut(4 * 2 ** Number(stage) * 2) };
  }
  throw new UserError(
    `where the attention of ${model.name} (${name}) lies in the image is not known`,
    "use Grad-CAM, occlusion or integrated gradients",
  );
}

/** Swin's window of this many positions; every second block shifts it by half. */
function windowOf(positions: number, grid: readonly [number, number], block: number): Window {
  const side = Math.round(Math.sqrt(positions));
  const height = Math.min(grid[0], grid[1] < side ? positions / grid[1] : side);
  const size = [height, positions / height] as const;
  const by = (axis: number) => (block % 2 === 1 && grid[axis] > size[axis] ? size[axis] >> 1 : 0);
  return { size, shift: [by(0), by(1)] };
}

/**
 * Values at the positions of windows as a map of the whole image.
 *
 * @param values float32 `[images × windows, heads, positions]`
 * @returns float32 `[images, heads, height, width]`
 */
export function windowsToMap(
  values: tf.Tensor,
  { size, shift }: Window,
  grid: readonly [number, number],
): tf.Tensor4D {
  return tf.tidy(() => {
    const padded = grid.map((side, axis) => Math.ceil(side / size[axis]) * size[axis]) as [
      number,
      number,
    ];
    const channelsLast = tf.transpose(values as tf.Tensor3D, [0, 2, 1]);
    const joined = joinWindows(channelsLast, padded, size);
    const cut = tf.slice(joined, [0, 0, 0, 0], [-1, grid[0], grid[1], -1]);
    // The map had been shifted up and left.
    const rolled = shift.reduce((map, by, axis) => rollDown(map, by, axis + 1), cut);
    return tf.transpose(rolled, [0, 3, 1, 2]);
  });
}

function rollDown(map: tf.Tensor4D, by: number, axis: number): tf.Tensor4D {
  if (by === 0) return map;
  const [head, tail] = tf.split(map, [map.shape[axis] - by, by], axis);
  return tf.concat([tail, head], axis) as tf.Tensor4D;
}
