import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { maskedFractions, maskedMean } from "../by-question";
import { meanOverFractions, type VoteLoss } from "../vote-loss";

const schema = z.strictObject({ name: z.literal("binaryCrossEntropy") });

/** Binary cross-entropy of vote fractions, each the sigmoid of a logit; as PyTorch's, with logits. */
export const binaryCrossEntropy: VoteLoss<z.output<typeof schema>> = {
  name: "binaryCrossEntropy",
  sentence: "binary cross-entropy of fractions, each a sigmoid of its own",
  schema,
  create:
    (_, { questions }) =>
    (logits, targets) =>
      tf.tidy(() => {
        const { fractions, mask } = maskedFractions(targets, questions);
        // max(z, 0) − z t + log(1 + e^−|z|) is exact however large the logit z is.
        const log = tf.log1p(tf.exp(tf.neg(tf.abs(logits))));
        const terms = tf.add(tf.sub(tf.relu(logits), tf.mul(logits, fractions)), log);
        return maskedMean(terms as tf.Tensor2D, mask);
      }),
  activate: (logits) => tf.sigmoid(logits),
  ofTable: (table) =>
    meanOverFractions(table, (t, p) => {
      const [yes, no] = [p, 1 - p].map((x) => Math.log(Math.max(x, 1e-30)));
      return -(t * yes + (1 - t) * no);
    }),
};
