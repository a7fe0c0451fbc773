import * as tf from "@tensorflow/tfjs-core";
import { type DecisionTree, questionOfAnswers, questionRanges } from "../data/decision-tree";

/**
 * Do something with the columns of each question, and put the results side by side.
 *
 * @param x float32 `[batch, answers]`
 * @param fn `[batch, answers of the question]` → `[batch, any]`
 */
export function byQuestion(
  x: tf.Tensor2D,
  tree: DecisionTree,
  fn: (own: tf.Tensor2D, question: number) => tf.Tensor2D,
): tf.Tensor2D {
  return tf.tidy(() => {
    const parts = questionRanges(tree).map(({ from, to }, q) =>
      fn(tf.slice(x, [0, from], [x.shape[0], to - from]), q),
    );
    return parts.length === 1 ? parts[0] : tf.concat(parts, 1);
  });
}

/** Sums over the answers of each question: `[batch, answers]` → `[batch, questions]`. */
export function sumByQuestion(x: tf.Tensor2D, tree: DecisionTree): tf.Tensor2D {
  return byQuestion(x, tree, (own) => tf.sum(own, 1, true));
}

/** A value of each question, given to each of its answers: `[batch, questions]` → `[batch, answers]`. */
export function toAnswers(x: tf.Tensor2D, tree: DecisionTree): tf.Tensor2D {
  const columns = questionOfAnswers(questionRanges(tree)).map((q) =>
    tf.slice(x, [0, q], [x.shape[0], 1]),
  );
  return tf.concat(columns, 1);
}

/** What the targets of votes say: `[batch, answers + questions]`. */
export interface VoteTargets {
  /** Votes for each answer, `[batch, answers]`; 0 where nobody was asked. */
  readonly votes: tf.Tensor2D;
  /** Volunteers who were asked each question, `[batch, questions]`. */
  readonly asked: tf.Tensor2D;
}

/** Take the targets of votes apart. */
export function splitTargets(targets: tf.Tensor2D, tree: DecisionTree): VoteTargets {
  const [batch, width] = targets.shape;
  const answers = width - tree.length;
  return {
    votes: tf.slice(targets, [0, 0], [batch, answers]),
    asked: tf.slice(targets, [0, answers], [batch, tree.length]),
  };
}

/** Fractions of those who were asked, and where there are any: 1, else 0. Both `[batch, answers]`. */
export function maskedFractions(
  targets: tf.Tensor2D,
  tree: DecisionTree,
): { readonly fractions: tf.Tensor2D; readonly mask: tf.Tensor2D } {
  const { votes, asked } = splitTargets(targets, tree);
  const mask = tf.cast(tf.greater(asked, 0), "float32") as tf.Tensor2D;
  // Where nobody was asked, 0 votes are divided by 1.
  const divisor = tf.add(asked, tf.sub(1, mask)) as tf.Tensor2D;
  return {
    fractions: tf.div(votes, toAnswers(divisor, tree)),
    mask: toAnswers(mask, tree),
  };
}

/** Mean of those values whose mask is 1; 0 where there are none. */
export function maskedMean(values: tf.Tensor2D, mask: tf.Tensor2D): tf.Scalar {
  return tf.div(tf.sum(tf.mul(values, mask)), tf.maximum(tf.sum(mask), 1));
}

/**
 * Shares of everybody who looked at the galaxy: fractions of a question times the chance of reaching it.
 *
 * @param fractions Of those who were asked, `[batch, answers]`.
 */
export function gate(fractions: tf.Tensor2D, tree: DecisionTree): tf.Tensor2D {
  const ranges = questionRanges(tree);
  const shares: tf.Tensor2D[] = [];
  const column = (answer: number) => {
    const q = ranges.findIndex(({ to }) => answer < to);
    return tf.slice(shares[q], [0, answer - ranges[q].from], [fractions.shape[0], 1]);
  };
  for (const { from, to, after } of ranges) {
    const own = tf.slice(fractions, [0, from], [fractions.shape[0], to - from]);
    shares.push(after.length === 0 ? own : tf.mul(own, tf.addN(after.map(column))));
  }
  return shares.length === 1 ? shares[0] : tf.concat(shares, 1);
}
