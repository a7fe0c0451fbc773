import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { classWeightsSchema, createWeightedMean } from "../class-weights";
import type { LossDefinition } from "../loss";

const schema = z.strictObject({
  name: z.literal("focal"),
  /** Focusing parameter γ: how much less the galaxies count that are already right. Default 2. */
  gamma: z.number().min(0).default(2),
  /** Weight of each class: `none`, `inverse`, `effective`, or a list. Default `none`. */
  classWeights: classWeightsSchema,
});

/** Below it 1 − p counts as this: the slope of (1 − p)^γ is infinite at p = 1 where γ < 1. */
const SMALLEST = 1e-7;

/** Focal loss −(1 − p)^γ log p (Lin et al. 2017, arXiv:1708.02002), here for soft targets. */
export const focal: LossDefinition<z.output<typeof schema>> = {
  name: "focal",
  sentence: "focal loss: galaxies that are already right count less",
  schema,
  create({ gamma, classWeights }, targets) {
    return createWeightedMean(classWeights, targets, (logits, soft, weights) => {
      const logP = tf.logSoftmax(logits);
      const factor = tf.pow(tf.maximum(tf.sub(1, tf.exp(logP)), SMALLEST), gamma);
      const terms = tf.mul(tf.mul(soft, factor), logP);
      return tf.neg(tf.sum(weights === undefined ? terms : tf.mul(terms, weights), 1));
    });
  },
  activate: (logits) => tf.softmax(logits),
};
