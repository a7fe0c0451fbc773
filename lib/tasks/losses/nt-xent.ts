import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { softmaxCrossEntropy } from "../../engine/ops/softmax-cross-entropy";
import { withoutAutocast } from "../../engine/trace";
import type { LossDefinition } from "../loss";

const schema = z.strictObject({
  name: z.literal("ntXent"),
  /** What cosines are divided by, above 0: the smaller, the more the nearest other galaxies count. Default 0.1. */
  temperature: z.number().positive().default(0.1),
});

/** Added to a view's likeness with itself, which is no answer. */
const NEVER = -1e9;

/**
 * Logits of the question which other view of the batch is of the same galaxy: cosines, divided by the temperature.
 *
 * @param projections float32 `[2 × batch, width]`, all first views before all second ones
 * @returns float32 `[2 × batch, 2 × batch]`
 */
function likeness(projections: tf.Tensor2D, temperature: number): tf.Tensor2D {
  const unit = unitRows(projections);
  const cosines = tf.div(tf.matMul(unit, unit, false, true), temperature);
  return tf.add(cosines, tf.mul(tf.eye(unit.shape[0]), NEVER));
}

/** For each view the place of the other view of the same galaxy. */
function partners(views: number): Int32Array {
  return Int32Array.from({ length: views }, (_, i) => (i + views / 2) % views);
}

/** Rows of length 1. */
export function unitRows(x: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const squares = tf.sum(tf.square(x), 1, true);
    return tf.mul(x, tf.rsqrt(tf.maximum(squares, 1e-12)));
  });
}

/** How many galaxies' first views are most like their second ones, among all views of the batch. */
export function pairsFound(projections: tf.Tensor2D): tf.Scalar {
  // In bfloat16 many a cosine near 1 would be the same number.
  return withoutAutocast(() =>
    tf.tidy(() => {
      const views = projections.shape[0];
      const found = tf.argMax(likeness(projections, 1), 1);
      const right = tf.equal(found, tf.tensor1d(partners(views), "int32"));
      return tf.sum(tf.slice(tf.cast(right, "float32"), 0, views / 2));
    }),
  );
}

/**
 * Normalized temperature-scaled cross-entropy, equation 1 of SimCLR (Chen et al. 2020, arXiv:2002.05709): each of the two
 * views of a galaxy is to be told from all others of the batch. In float32 whatever the network computes in.
 */
export const ntXent: LossDefinition<z.output<typeof schema>> = {
  name: "ntXent",
  sentence: "each of a galaxy's two views is to be told from all other views of the batch",
  schema,
  create:
    ({ temperature }) =>
    (projections) =>
      withoutAutocast(() =>
        tf.tidy(() => {
          const views = projections.shape[0];
          const pairs = tf.oneHot(tf.tensor1d(partners(views), "int32"), views, 1, 0, "float32");
          return tf.mean(
            softmaxCrossEntropy(likeness(projections, temperature), pairs as tf.Tensor2D),
          );
        }),
      ),
  activate: unitRows,
};
