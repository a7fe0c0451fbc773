import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { softmaxCrossEntropy } from "../../engine/ops/softmax-cross-entropy";
import { classWeightsSchema, createWeightedMean } from "../class-weights";
import type { LearnedTargets, LossDefinition } from "../loss";

const schema = z.strictObject({
  name: z.literal("crossEntropy"),
  /** Share of each target that is spread evenly over all classes, 0 … 1. Default 0. */
  labelSmoothing: z.number().min(0).lt(1).default(0),
  /** Weight of each class: `none`, `inverse`, `effective`, or a list. Default `none`. */
  classWeights: classWeightsSchema,
  /**
   * How far the network is kept from learning that some classes are rarer, 0 … 1: with 1 it answers as if
   * all were equally frequent (Menon et al. 2021, arXiv:2007.07314). Default 0.
   */
  logitAdjustment: z.number().min(0).max(1).default(0),
});

/** Cross-entropy of a softmax, as PyTorch's `cross_entropy`. */
export const crossEntropy: LossDefinition<z.output<typeof schema>> = {
  name: "crossEntropy",
  sentence: "cross-entropy of a softmax, with label smoothing and weights of classes",
  schema,
  create({ labelSmoothing, classWeights, logitAdjustment }, targets) {
    const priors = logPriors(targets).map((log) => logitAdjustment * log);
    return createWeightedMean(classWeights, targets, (logits, soft, weights) => {
      const shifted = logitAdjustment === 0 ? logits : tf.add(logits, tf.tensor1d(priors));
      return softmaxCrossEntropy(shifted as tf.Tensor2D, soft, { labelSmoothing, weights });
    });
  },
  activate: (logits) => tf.softmax(logits),
};

/** Logarithm of each class's share of the training rows; of a class without a row as if it had one. */
function logPriors({ strata, outputs }: LearnedTargets): Float32Array {
  const counts = new Float32Array(outputs.length);
  for (const stratum of strata) if (stratum >= 0) counts[stratum]++;
  return counts.map((n) => Math.log(Math.max(n, 1) / Math.max(strata.length, 1)));
}
