import { argmax } from "../core/argmax";
import { UserError } from "../core/errors";
import { Random } from "../core/random";
import { askHead, oneHot, trainHead } from "../evaluate/linear-head";
import { type Embedding, embeddingRows } from "./embedding";
import { exactNeighbors } from "./neighbors";

/** Galaxies with their features and classes. */
export interface LabeledEmbedding extends Embedding {
  /** Class of each galaxy; −1: none, and it is left out. */
  readonly labels: ArrayLike<number>;
}

/** What features are worth to somebody with so many labels. */
export interface ProbeScore {
  /** How the class was found. */
  readonly method: "linear probe" | "k-NN";
  /** Share of the labels that were known, 0 to 1. */
  readonly share: number;
  /** How many these are. */
  readonly labels: number;
  /** Mean accuracy on the test galaxies over all draws. */
  readonly accuracy: number;
  /** Least accuracy of a draw. */
  readonly low: number;
  /** Largest accuracy of a draw. */
  readonly high: number;
}

/** How {@link probeFeatures} asks. */
export interface ProbeOptions {
  /** Shares of the labels. Default 1, 5, 10 and 100 %. */
  readonly shares?: readonly number[];
  /** Draws of the labels of each share but all; different draws differ much where they are few. Default 3. */
  readonly draws?: number;
  /** Neighbors that vote. Default 10. */
  readonly k?: number;
  /** Of the draws. Default 0. */
  readonly seed?: number;
}

/** Sharpness of a neighbor's vote, as DINO's (Caron et al. 2021, arXiv:2104.14294). */
const TEMPERATURE = 0.07;

/**
 * How well classes are told by features that stay as they are: by a linear classifier, and by the nearest
 * galaxies, each of which votes with exp(cosine / 0.07). Labels are drawn class by class, one of each at
 * least.
 *
 * @param classes How many.
 * @throws UserError where train and test are not of one model, or have no labels
 */
export async function probeFeatures(
  train: LabeledEmbedding,
  test: LabeledEmbedding,
  classes: number,
  { shares = [0.01, 0.05, 0.1, 1], draws = 3, k = 10, seed = 0 }: ProbeOptions = {},
): Promise<ProbeScore[]> {
  const known = labeledRows(train.labels);
  const asked = labeledRows(test.labels);
  if (known.length === 0 || asked.length === 0) {
    throw new UserError(
      `there are ${known.length} labels to learn from and ${asked.length} to test`,
      "give galaxies whose classes are known",
    );
  }
  const questions = embeddingRows(test, asked);
  const truth = asked.map((row) => test.labels[row]);
  const scores: ProbeScore[] = [];
  for (const share of shares) {
    const found = { "linear probe": [] as number[], "k-NN": [] as number[] };
    let labels = 0;
    for (let draw = 0; draw < (share >= 1 ? 1 : draws); draw++) {
      const random = new Random(seed, `probe ${share} ${draw}`);
      const rows = drawLabels(train.labels, known, share, random);
      labels = rows.length;
      const own = embeddingRows(train, rows);
      const classOf = rows.map((row) => train.labels[row]);
      const head = trainHead(own.values, oneHot(classOf, classes), classes);
      found["linear probe"].push(accuracyOf(askHead(head, questions.values), truth, classes));
      const near = await exactNeighbors(own, questions, k);
      const votes = new Float64Array(truth.length * classes);
      for (let i = 0; i < near.rows.length; i++) {
        const at = Math.floor(i / near.k) * classes + classOf[near.rows[i]];
        votes[at] += Math.exp((near.similarity[i] - 1) / TEMPERATURE);
      }
      found["k-NN"].push(accuracyOf(votes, truth, classes));
    }
    for (const method of ["linear probe", "k-NN"] as const) {
      const own = found[method];
      const accuracy = own.reduce((a, b) => a + b, 0) / own.length;
      const [low, high] = [Math.min(...own), Math.max(...own)];
      scores.push({ method, share, labels, accuracy, low, high });
    }
  }
  return scores;
}

function labeledRows(labels: ArrayLike<number>): number[] {
  return Array.from(labels).flatMap((label, row) => (label >= 0 ? [row] : []));
}

function drawLabels(
  labels: ArrayLike<number>,
  rows: readonly number[],
  share: number,
  random: Random,
): number[] {
  const byClass = new Map<number, number[]>();
  for (const row of rows) {
    const own = byClass.get(labels[row]);
    if (own) own.push(row);
    else byClass.set(labels[row], [row]);
  }
  return [...byClass.values()].flatMap((own) => {
    const count = Math.max(1, Math.round(share * own.length));
    return Array.from(random.permutation(own.length).subarray(0, count), (i) => own[i]);
  });
}

function accuracyOf(scores: Float64Array, truth: readonly number[], classes: number): number {
  return (
    truth.filter((label, i) => argmax(scores, i * classes, classes) === label).length / truth.length
  );
}
