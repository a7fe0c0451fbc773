import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import type { DecisionTree } from "../../data/decision-tree";
import { lgamma } from "../../engine/ops/gamma";
import { voteLikelihood } from "../../evaluate/vote-coverage";
import { splitTargets, sumByQuestion, toAnswers } from "../by-question";
import type { VoteLoss } from "../vote-loss";

const schema = z.strictObject({ name: z.literal("dirichletMultinomial") });

/** Concentrations lie between these (Walmsley et al. 2022, section 5.1.1). */
const [LEAST, MOST] = [1, 101];

/** Logits `[batch, answers]` → concentrations, 1…101. */
function concentrations(logits: tf.Tensor2D): tf.Tensor2D {
  return tf.add(tf.mul(tf.sigmoid(logits), MOST - LEAST), LEAST);
}

/**
 * How improbable votes are, nats, a value a question: −log of the Dirichlet-multinomial distribution.
 *
 * @param alpha Concentrations `[batch, answers]`, above 0.
 * @param votes `[batch, answers]`; where a question has none, its value is 0.
 */
export function dirichletMultinomialNll(
  alpha: tf.Tensor2D,
  votes: tf.Tensor2D,
  tree: DecisionTree,
): tf.Tensor2D {
  return tf.tidy(() => {
    const strength = sumByQuestion(alpha, tree);
    const total = sumByQuestion(votes, tree);
    const ways = tf.sub(lgamma(tf.add(total, 1)), sumByQuestion(lgamma(tf.add(votes, 1)), tree));
    const answers = tf.sub(lgamma(tf.add(votes, alpha) as tf.Tensor2D), lgamma(alpha));
    const question = tf.sub(lgamma(strength), lgamma(tf.add(strength, total)));
    return tf.neg(
      tf.addN<tf.Tensor>([ways, question, sumByQuestion(answers as tf.Tensor2D, tree)]),
    ) as tf.Tensor2D;
  });
}

/**
 * Votes as draws from a distribution that the network knows only so well: −log likelihood of the
 * Dirichlet-multinomial, nats, summed over the questions of a galaxy and averaged over the batch
 * (Walmsley et al. 2022, MNRAS 509, 3966; 2023, MNRAS 526, 4768). Besides the fractions it gives the
 * strength of each question: the sum of its concentrations, as many votes as the network is sure of.
 */
export const dirichletMultinomial: VoteLoss<z.output<typeof schema>> = {
  name: "dirichletMultinomial",
  sentence:
    "likelihood of the counts under a Dirichlet-multinomial: fractions and how sure they are",
  schema,
  givesStrengths: true,
  needsCounts: true,
  create:
    (_, { questions }) =>
    (logits, targets) =>
      tf.tidy(() => {
        const { votes } = splitTargets(targets, questions);
        const nll = dirichletMultinomialNll(concentrations(logits), votes, questions);
        return tf.div(tf.sum(nll), logits.shape[0]);
      }),
  activate: (logits, questions) =>
    tf.tidy(() => {
      const alpha = concentrations(logits);
      const strength = sumByQuestion(alpha, questions);
      return tf.concat([tf.div(alpha, toAnswers(strength, questions)), strength], 1);
    }),
  ofTable: (table) => voteLikelihood(table),
};
