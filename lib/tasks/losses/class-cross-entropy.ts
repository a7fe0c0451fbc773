import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { softmaxCrossEntropy } from "../../engine/ops/softmax-cross-entropy";
import { classWeightsSchema, createWeightedMean } from "../class-weights";
import type { LossDefinition } from "../loss";

const schema = z.strictObject({
  name: z.literal("crossEntropy"),
  /** Share of each target that is spread evenly over all classes, 0 … 1. Default 0. */
  labelSmoothing: z.number().min(0).lt(1).default(0),
  /** Weight of each class: `none`, `inverse`, `effective`, or a list. Default `none`. */
  classWeights: classWeightsSchema,
});

/** Cross-entropy of a softmax, as PyTorch's `cross_entropy`. */
export const crossEntropy: LossDefinition<z.output<typeof schema>> = {
  name: "crossEntropy",
  sentence: "cross-entropy of a softmax, with label smoothing and weights of classes",
  schema,
  create({ labelSmoothing, classWeights }, targets) {
    return createWeightedMean(classWeights, targets, (logits, soft, weights) =>
      softmaxCrossEntropy(logits, soft, { labelSmoothing, weights }),
    );
  },
  activate: (logits) => tf.softmax(logits),
};
