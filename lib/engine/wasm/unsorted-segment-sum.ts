import * as tf from "@tensorflow/tfjs-core";
import { wasmKernel } from "./kernel";

/** Sums of rows by the number each row is given, the gradient of `tf.gather`; negative ones are left out. */
export const unsortedSegmentSum = wasmKernel<
  tf.UnsortedSegmentSumInputs,
  tf.UnsortedSegmentSumAttrs
>(tf.UnsortedSegmentSum, ({ x, segmentIds }, { numSegments }) => {
  const inner = x.shape.slice(segmentIds.rank);
  const size = inner.reduce((a, b) => a * b, 1);
  const ids = tf.reshape(segmentIds, [-1, 1]);
  // One row more, for those that are left out: a scatter writes wherever it is told to.
  const safe = tf.where(tf.less(ids, 0), tf.fill(ids.shape, numSegments, "int32"), ids);
  const sums = tf.scatterND(safe, tf.reshape(x, [-1, size]), [numSegments + 1, size]);
  return tf.reshape(tf.slice(sums, [0, 0], [numSegments, size]), [numSegments, ...inner]);
});
