import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { byQuestion, splitTargets } from "../by-question";
import { meanOverFractions, type VoteLoss } from "../vote-loss";

const schema = z.strictObject({ name: z.literal("softmaxVotes") });

/**
 * Cross-entropy of a softmax over the answers of each question, a term for each vote: a question counts
 * as often as it was answered. The mean over the votes of a batch, nats.
 */
export const softmaxVotes: VoteLoss<z.output<typeof schema>> = {
  name: "softmaxVotes",
  sentence: "cross-entropy of a softmax a question, weighted by the volunteers who answered it",
  schema,
  create:
    (_, { questions }) =>
    (logits, targets) =>
      tf.tidy(() => {
        const { votes } = splitTargets(targets, questions);
        const logs = byQuestion(logits, questions, (own) => tf.logSoftmax(own));
        return tf.neg(tf.div(tf.sum(tf.mul(votes, logs)), tf.maximum(tf.sum(votes), 1)));
      }),
  activate: (logits, questions) => byQuestion(logits, questions, (own) => tf.softmax(own)),
  ofTable(table) {
    // Per vote, as above: a row of fractions that sum to one is one vote.
    const sums = meanOverFractions(table, (t) => t, true);
    const terms = meanOverFractions(table, (t, p) => -t * Math.log(Math.max(p, 1e-30)), true);
    return terms / sums;
  },
};
