import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { UserError } from "../core/errors";
import { strataWeights } from "../data/sampling";
import type { LearnedTargets } from "./loss";
import type { Loss } from "./task";

/**
 * Weight of each class in a loss: `none`, by inverse frequency, by effective number (Cui et al. 2019,
 * arXiv:1901.05555), or a list in the order of the classes. Default `none`.
 */
export const classWeightsSchema = z
  .union([z.enum(["none", "inverse", "effective"]), z.array(z.number().positive()).min(2)])
  .default("none");

type ClassWeights = z.output<typeof classWeightsSchema>;

/** Loss of each row; `weights`, one a class, are multiplied in where there are any. */
type RowLoss = (logits: tf.Tensor2D, targets: tf.Tensor2D, weights?: tf.Tensor1D) => tf.Tensor1D;

/**
 * The mean of a loss over a batch, weighted by the weights of the targets' classes, as PyTorch's
 * `cross_entropy` does it.
 *
 * @param rows Loss of each row, each class weighted already.
 * @throws UserError when there is another number of weights than of classes
 */
export function createWeightedMean(
  config: ClassWeights,
  targets: LearnedTargets,
  rows: RowLoss,
): Loss {
  const values = weightsOfClasses(config, targets);
  return (logits, soft) =>
    tf.tidy(() => {
      if (values === undefined) return tf.mean(rows(logits, soft));
      const weights = tf.tensor1d(values);
      return tf.div(tf.sum(rows(logits, soft, weights)), tf.sum(tf.mul(soft, weights)));
    });
}

/**
 * The weight of each class that a config asks for.
 *
 * @returns undefined where every class weighs the same
 * @throws UserError when there is another number of weights than of classes
 */
export function weightsOfClasses(
  config: ClassWeights,
  { strata, outputs }: Pick<LearnedTargets, "strata" | "outputs">,
): Float32Array | undefined {
  if (config === "none") return undefined;
  if (!Array.isArray(config)) {
    const rows = strata.map((_, row) => row);
    return Float32Array.from(strataWeights(strata, rows, outputs.length, config));
  }
  if (config.length === outputs.length) return Float32Array.from(config);
  throw new UserError(
    `train.loss.classWeights has ${config.length} values and the data ${outputs.length} classes`,
    `give one value a class, in the order ${outputs.join(", ")}`,
  );
}
