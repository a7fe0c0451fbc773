import type * as tf from "@tensorflow/tfjs-core";
import { type Compiled, compile } from "../engine/compile";
import { keepsWeights } from "../engine/native";
import { inParts, partSeed, usualParts } from "../engine/parts";
import type { Precision } from "../engine/start";
import type { Model } from "../models/module";

/** Images of each part from which on it has enough to do. */
const PART = 2;

/** Images in all from which on parts save more time than their longer graph takes to be made. */
const MANY = 256;

/** Copies of the weights, in bytes, up to which kernels have one each. */
const MOST_COPIES = 2 ** 30;

/**
 * Weights for each image of a part, beyond which no parts are made: each part reads all weights. VGG-16 (138 million) takes a quarter
 * longer by two parts of two images, ViT-B/16 (86 million) as long by two of four.
 */
const MOST_WEIGHTS = 2 ** 24;

/** A function of images; those whatever follows are seeds. */
type NetworkFunction = (images: tf.Tensor, ...seeds: tf.Tensor[]) => tf.Tensor;

/** Functions of a network that are ready to be called. */
export interface CompiledNetwork<F extends Record<string, NetworkFunction>> {
  /**
   * The functions: for many images in graphs that compute batches in parts side by side, where the processor
   * is faster by them; for few with all cores in each op.
   *
   * @param batch Images of each call.
   * @param images Images of all calls together.
   */
  callFor(batch: number, images: number): Compiled<F>["call"];
  /** Free the graphs. */
  dispose(): void;
}

/**
 * Compile functions of a network that treat each image by itself.
 *
 * @param precision Number format of the heavy ops. Default `float32`.
 */
export function compileNetwork<F extends Record<string, NetworkFunction>>(
  model: Model,
  functions: F,
  precision?: Precision,
): CompiledNetwork<F> {
  const variables = [...model.parameters.values()].map(({ variable }) => variable);
  const elements = variables.reduce((sum, { size }) => sum + size, 0);
  const graph = (parts: number): Compiled<F> => {
    const entries = Object.entries(functions).map(([name, fn]) => [
      name,
      (images: tf.Tensor, ...seeds: tf.Tensor[]) =>
        inParts(images, parts, (part, i) => fn(part, ...seeds.map((seed) => partSeed(seed, i)))),
    ]);
    const copies = parts * elements * (precision === "mixed_bfloat16" ? 2 : 4);
    const constantVariables = keepsWeights() && copies <= MOST_COPIES;
    const options = { variables, precision, parts, constantVariables };
    return compile<F>(Object.fromEntries(entries), options);
  };
  const most = usualParts();
  const whole = graph(1);
  const parted = most > 1 ? graph(most) : whole;
  return {
    callFor: (batch, images) => {
      const gains = batch >= PART * most && elements * most <= MOST_WEIGHTS * batch;
      return gains && images >= MANY ? parted.call : whole.call;
    },
    dispose() {
      for (const compiled of new Set([whole, parted])) compiled.dispose();
    },
  };
}
