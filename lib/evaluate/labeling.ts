import { Random } from "../core/random";
import { bald, kCenter } from "./acquisition";
import { type FeatureMatrix, matrixRows } from "./feature-matrix";
import { meanInterval } from "./intervals";
import { askHead, type TrainedHead, trainHead } from "./linear-head";

/** Galaxies with their features, and what volunteers said to one question. */
export interface VotedFeatures {
  /** What a network sees in each. */
  readonly features: FeatureMatrix;
  /** Votes for each answer, or their fractions, `[galaxies, answers]`. */
  readonly votes: Float64Array;
}

/** Which galaxies are labeled next. */
interface Situation {
  readonly pool: FeatureMatrix;
  readonly labeled: readonly number[];
  readonly count: number;
  readonly random: Random;
  /** Heads that learned on the labeled galaxies, drawn again and again. */
  members(): readonly TrainedHead[];
}

/** Every way to choose; a new one is a line here. */
const strategies = {
  random: ({ pool, labeled, count, random }: Situation): Uint32Array =>
    random
      .permutation(pool.values.length / pool.width)
      .filter((row) => !labeled.includes(row))
      .subarray(0, count),
  BALD({ pool, labeled, count, members }: Situation): Uint32Array {
    const features = Float32Array.from(pool.values);
    const heads = members();
    const answers = heads[0].bias.length;
    const gains = bald(
      heads.map((head) => askHead(head, features)),
      answers,
    );
    for (const row of labeled) gains[row] = -1;
    return Uint32Array.from(gains, (_, row) => row)
      .sort((a, b) => gains[b] - gains[a])
      .subarray(0, count);
  },
  "k-center": ({ pool, labeled, count }: Situation): Uint32Array => kCenter(pool, count, labeled),
} as const;

/** A way to choose which galaxies are labeled next. */
export type Strategy = keyof typeof strategies;

/** How labeling is simulated. */
export interface LabelingOptions {
  /** Ways to choose. Default: random, BALD and k-center. */
  readonly strategies?: readonly Strategy[];
  /** Galaxies labeled at first, drawn at random, the same for all. Default 20. */
  readonly start?: number;
  /** Galaxies labeled in each round. Default 20. */
  readonly step?: number;
  /** Rounds. Default 6. */
  readonly rounds?: number;
  /** Times that all is done, each from another start. Default 3. */
  readonly repeats?: number;
  /** Of all draws. Default 0. */
  readonly seed?: number;
}

/** How good a head is that learned from some of the galaxies. */
export interface LabelingPoint {
  /** Galaxies that it learned from. */
  readonly labels: number;
  /** Mean absolute error of its fractions on the test galaxies, mean over the repeats. */
  readonly value: number;
  /** Lower end of the 95 % interval over the repeats; NaN for one. */
  readonly low: number;
  /** Its upper end. */
  readonly high: number;
}

/** Heads of a committee. */
const MEMBERS = 5;

/**
 * Which galaxies should volunteers look at next? Simulated on galaxies whose votes are known: a linear head
 * on features learns from a few, chooses more, is given their votes, and so on.
 *
 * @param pool Galaxies that may be labeled; those whose votes sum to 0 are passed over.
 * @param test Others, to measure the error on.
 * @returns a curve for each strategy
 */
export function simulateLabeling(
  pool: VotedFeatures,
  test: VotedFeatures,
  options: LabelingOptions = {},
): Record<string, LabelingPoint[]> {
  const { start = 20, step = 20, rounds = 6, repeats = 3, seed = 0 } = options;
  const [known, judged] = [voted(pool), voted(test)];
  const names = options.strategies ?? (Object.keys(strategies) as Strategy[]);
  const errors = names.map(() => Array.from({ length: rounds + 1 }, (): number[] => []));
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [s, name] of names.entries()) {
      const random = new Random(seed + repeat, "labeling");
      const labeled = [...random.permutation(known.rows).subarray(0, start)];
      for (let round = 0; round <= rounds; round++) {
        const head = learn(known, labeled);
        errors[s][round].push(error(head, judged));
        if (round === rounds) break;
        const members = () => Array.from({ length: MEMBERS }, () => learn(known, labeled, random));
        const situation = { pool: known.features, labeled, count: step, random, members };
        labeled.push(...strategies[name](situation));
      }
    }
  }
  return Object.fromEntries(
    names.map((name, s) => [
      name,
      errors[s].map((values, round) => ({
        labels: Math.min(start + round * step, known.rows),
        ...meanInterval(values),
      })),
    ]),
  );
}

/** The galaxies that anybody was asked about, and their fractions. */
function voted({ features: { values, width }, votes }: VotedFeatures) {
  const all = values.length / width;
  const answers = votes.length / all;
  const sums = Float64Array.from({ length: all }, (_, row) =>
    votes.subarray(row * answers, (row + 1) * answers).reduce((a, b) => a + (b || 0), 0),
  );
  const kept = Array.from(sums.keys()).filter((row) => sums[row] > 0);
  const fractions = Float64Array.from({ length: kept.length * answers }, (_, i) => {
    const row = kept[Math.floor(i / answers)];
    return votes[row * answers + (i % answers)] / sums[row];
  });
  const own = matrixRows(Float32Array.from(values), kept, width);
  return { features: { values: own, width }, fractions, answers, rows: kept.length };
}

type Voted = ReturnType<typeof voted>;

/** A head that learned from some galaxies; with `random` from as many, drawn with repeats. */
function learn({ features, fractions, answers }: Voted, rows: readonly number[], random?: Random) {
  const drawn = random ? rows.map(() => rows[random.integer(rows.length)]) : rows;
  const targets = Float64Array.from(
    { length: drawn.length * answers },
    (_, i) => fractions[drawn[Math.floor(i / answers)] * answers + (i % answers)],
  );
  return trainHead(matrixRows(features.values, drawn, features.width), targets, answers);
}

function error(head: TrainedHead, { features, fractions }: Voted): number {
  const said = askHead(head, features.values);
  return said.reduce((sum, p, i) => sum + Math.abs(p - fractions[i]), 0) / said.length;
}
