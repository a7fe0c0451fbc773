import { Random } from "../core/random";
import { type FeatureMatrix, galaxiesOf, matrixRows, pooled } from "./feature-matrix";
import { askHead, oneHot, trainHead } from "./linear-head";
import { type RankSum, rankSum } from "./rank-sum";

/** Whether a classifier tells two samples apart, and by what. */
export interface ClassifierTest extends RankSum {
  /** Share of the galaxies kept aside that it puts into their sample, the mean of both samples; ½ is chance. */
  readonly accuracy: number;
}

/**
 * The classifier two-sample test (Lopez-Paz & Oquab 2017, arXiv:1610.06545): a linear classifier learns on
 * half of the galaxies from which sample they come, and is asked about the other half. Where the samples are
 * alike it can only guess.
 *
 * @param options `seed`: of the halves, default 0.
 * @throws UserError where the two have not the same width
 */
export function classifierTest(
  first: FeatureMatrix,
  second: FeatureMatrix,
  { seed = 0 }: { readonly seed?: number } = {},
): ClassifierTest {
  const { values, width } = pooled(first, second);
  const all = Float32Array.from(values);
  const sizes = [galaxiesOf(first), galaxiesOf(second)] as const;
  const random = new Random(seed, "classifier test");
  const halves = sizes.map((size, which) => {
    const order = random.permutation(size).map((row) => row + which * sizes[0]);
    return [order.subarray(0, size >> 1), order.subarray(size >> 1)];
  });
  const learn = [...halves[0][0], ...halves[1][0]];
  const labels = learn.map((row) => (row < sizes[0] ? 0 : 1));
  // Each sample weighs alike, however many galaxies it has.
  const counts = halves.map(([half]) => half.length);
  const targets = oneHot(labels, 2).map((value, i) => value / counts[i % 2]);
  const head = trainHead(matrixRows(all, learn, width), targets, 2);
  const scores = halves.map(([, test]) =>
    askHead(head, matrixRows(all, test, width)).filter((_, i) => i % 2 === 1),
  );
  const [falsely, rightly] = scores.map((of) => of.filter((p) => p > 0.5).length / of.length);
  return { accuracy: (1 - falsely + rightly) / 2, ...rankSum(scores[1], scores[0]) };
}
