import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { gatedFractions } from "../../evaluate/vote-metrics";
import { gate, maskedFractions, maskedMean, splitTargets } from "../by-question";
import { meanOverFractions, type VoteLoss } from "../vote-loss";

const schema = z.strictObject({
  name: z.literal("squaredError"),
  /**
   * Learn the shares of everybody who looked at the galaxy, each question times the chance of reaching
   * it, as the Galaxy Zoo challenge did (Dieleman et al. 2015). Default false: the fractions of those
   * who were asked.
   */
  gated: z.boolean().default(false),
});

/** Mean squared error of vote fractions, each the sigmoid of a logit. */
export const squaredError: VoteLoss<z.output<typeof schema>> = {
  name: "squaredError",
  sentence: "mean squared error of fractions, each a sigmoid of its own",
  schema,
  create:
    ({ gated }, { questions }) =>
    (logits, targets) =>
      tf.tidy(() => {
        const predicted = tf.sigmoid(logits);
        const { fractions, mask } = maskedFractions(targets, questions);
        if (!gated) return maskedMean(tf.squaredDifference(predicted, fractions), mask);
        // Of a galaxy that anybody looked at, the share of a question that nobody reached is 0.
        const { asked } = splitTargets(targets, questions);
        const seen = tf.cast(tf.greater(tf.max(asked, 1, true), 0), "float32") as tf.Tensor2D;
        const known = tf.mul(tf.onesLike(predicted), seen) as tf.Tensor2D;
        const error = tf.squaredDifference(gate(predicted, questions), gate(fractions, questions));
        return maskedMean(error as tf.Tensor2D, known);
      }),
  activate: (logits) => tf.sigmoid(logits),
  ofTable(table, { gated }) {
    const error = (t: number, p: number) => (t - p) ** 2;
    if (!gated) return meanOverFractions(table, error);
    const [truth, values] = [table.truth, table.values].map((of) => gatedFractions(table, of));
    return meanOverFractions({ ...table, truth, values }, error);
  },
};
