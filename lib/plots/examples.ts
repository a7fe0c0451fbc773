import { Random } from "../core/random";
import type { Dataset } from "../data/dataset";
import { questionRanges } from "../data/decision-tree";
import { drawGalaxy } from "../data/galaxy-parameters";
import { drawVotes, voteChances } from "../data/synthetic-votes";
import type { AblationRun } from "../evaluate/ablation-table";
import type { Seen } from "../evaluate/detectors/detector";
import { type PermutationTest, permutationTest } from "../evaluate/permutation-test";
import { createPredictions, type Predictions } from "../evaluate/predictions";
import { evaluate } from "../evaluate/summary";
import type { SweepTable } from "../evaluate/sweep-table";
import type { VotePredictions } from "../evaluate/vote-predictions";
import type { Embedding } from "./embedding-scatter";
import type { ComparedVotes } from "./hex-bins";

/** The classes of Galaxy10 DECaLS in label order: ten names as long as names get. */
export const EXAMPLE_CLASSES = [
  "Disturbed",
  "Merging",
  "Round Smooth",
  "In-between Round Smooth",
  "Cigar Shaped Smooth",
  "Barred Spiral",
  "Unbarred Tight Spiral",
  "Unbarred Loose Spiral",
  "Edge-on without Bulge",
  "Edge-on with Bulge",
] as const;

/** Predictions of a made-up classifier, right about four times in five; the same every time. */
export function examplePredictions(rows = 2000, seed = 0, skill = 2.2): Predictions {
  const random = new Random(seed, "example predictions");
  const k = EXAMPLE_CLASSES.length;
  const labels = new Int32Array(rows);
  const probabilities = new Float64Array(rows * k);
  for (let row = 0; row < rows; row++) {
    const label = Math.floor(k * random.uniform() ** 1.3);
    labels[row] = label;
    let sum = 0;
    for (let c = 0; c < k; c++) {
      const neighbor = Math.abs(c - label) === 1 ? 0.9 : 0;
      const z = random.normal(c === label ? skill : neighbor);
      probabilities[row * k + c] = Math.exp(1.6 * z);
      sum += probabilities[row * k + c];
    }
    for (let c = 0; c < k; c++) probabilities[row * k + c] /= sum;
  }
  const ids = Array.from({ length: rows }, (_, row) => `example-${row}`);
  return createPredictions({ classNames: EXAMPLE_CLASSES, ids, labels, probabilities });
}

/** Loss and accuracy of a made-up run. */
export function exampleHistory(epochs = 30): Record<string, number[]> {
  const random = new Random(1, "example history");
  const epoch = Array.from({ length: epochs }, (_, i) => i + 1);
  const fall = (from: number, to: number, rate: number) =>
    epoch.map((e) => to + (from - to) * Math.exp(-e / rate) + random.normal(0, 0.012));
  return {
    epoch,
    trainLoss: fall(2.3, 0.25, 9),
    valLoss: fall(2.25, 0.52, 7),
    trainAccuracy: fall(0.1, 0.94, 8),
    valAccuracy: fall(0.12, 0.84, 6),
    learningRate: epoch.map((e) => 1e-3 * 0.9 ** e),
  };
}

/** Blobs in place of galaxies: uint8 RGB, `[n, side, side, 3]`. */
export function exampleImages(n: number, side = 64): Uint8Array {
  const random = new Random(2, "example images");
  const pixels = new Uint8Array(n * side * side * 3);
  for (let i = 0; i < n; i++) {
    const [angle, flat] = [random.uniform(0, Math.PI), random.uniform(0.25, 1)];
    const [radius, red] = [random.uniform(0.08, 0.2) * side, random.uniform(0.6, 1)];
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const [dx, dy] = [x - side / 2, y - side / 2];
        const u = dx * Math.cos(angle) + dy * Math.sin(angle);
        const v = (dy * Math.cos(angle) - dx * Math.sin(angle)) / flat;
        const light = 255 * Math.exp(-Math.hypot(u, v) / radius);
        const at = ((i * side + y) * side + x) * 3;
        pixels[at] = light;
        pixels[at + 1] = light * 0.9;
        pixels[at + 2] = light * red;
      }
    }
  }
  return pixels;
}

/** The galaxies of {@link examplePredictions} as a data set. */
export function exampleDataset(): Pick<
  Dataset,
  "name" | "classNames" | "table" | "imageSize" | "read"
> {
  const { ids, labels } = examplePredictions();
  const split = Array.from(labels, (_, row) => ["train", "train", "train", "val", "test"][row % 5]);
  return {
    name: "example",
    classNames: EXAMPLE_CLASSES,
    table: { id: ids, label: labels, split },
    imageSize: [64, 64] as const,
    read: async (rows: ArrayLike<number>) => exampleImages(rows.length),
  };
}

/** Magnitudes that make wrong predictions fainter. */
export function exampleMagnitudes(predictions: Predictions): Float64Array {
  const random = new Random(3, "example magnitudes");
  return Float64Array.from(predictions.predicted, (c, row) =>
    random.normal(c === predictions.labels[row] ? 16.3 : 16.8, 0.6),
  );
}

/** A map with one or two bright spots, `[side, side]`. */
export function exampleMap(side: number, seed: number): Float64Array {
  const random = new Random(seed, "example map");
  const spots = [0, 1].map(() => [random.uniform(0.3, 0.7), random.uniform(0.3, 0.7)]);
  return Float64Array.from({ length: side * side }, (_, at) => {
    const [y, x] = [(Math.floor(at / side) + 0.5) / side, ((at % side) + 0.5) / side];
    const light = spots.map(([v, u]) => Math.exp(-((y - v) ** 2 + (x - u) ** 2) / 0.02));
    return light[0] + 0.6 * light[1] + random.uniform(0, 0.15);
  });
}

/** Predicted and true vote fractions of four answers. */
export function exampleVotes(rows = 3000): ComparedVotes {
  const random = new Random(4, "example votes");
  const answers = ["smooth", "featured or disk", "edge-on: yes", "bar: yes"];
  const ids = Array.from({ length: rows }, (_, row) => `example-${row}`);
  const truth = new Float64Array(rows * answers.length);
  const predicted = truth.map((_, at) => {
    truth[at] = random.uniform() ** (1 + (at % 4) * 0.7);
    const guess = truth[at] + random.normal(0, 0.06 + 0.03 * (at % 4));
    return Math.min(Math.max(guess, 0), 1);
  });
  return {
    predicted: { answers, ids, values: predicted },
    truth: { answers, ids, values: truth },
  };
}

/** Predicted votes about synthetic galaxies, and what their volunteers said. */
export function exampleVoteTable(rows = 400): VotePredictions {
  const galaxies = Array.from({ length: rows }, (_, row) => {
    const random = new Random(6, `example galaxy ${row}`);
    return drawGalaxy(random.integer(10), random);
  });
  const { questions, answers, fractions, asked } = drawVotes(galaxies);
  const random = new Random(7, "example vote table");
  const values = Float64Array.from(galaxies.flatMap(voteChances), (p) => {
    return (p + 0.05 * random.uniform()) ** (0.8 + 0.4 * random.uniform());
  });
  for (const { from, to } of questionRanges(questions)) {
    for (let at = from; at < values.length; at += answers.length) {
      const own = values.subarray(at, at + to - from);
      const sum = own.reduce((a, b) => a + b, 0);
      own.forEach((value, i) => {
        own[i] = value / sum;
      });
    }
  }
  const ids = galaxies.map((_, row) => `example-${row}`);
  const strengths = new Float64Array(rows * questions.length).fill(25);
  return { questions, answers, ids, values, strengths, truth: fractions, ...(asked && { asked }) };
}

/** Galaxies in clouds by class. */
export function exampleEmbedding(): Embedding {
  const random = new Random(5, "example embedding");
  const { classNames, ids, labels } = examplePredictions(800);
  const at = (label: number) => (2 * Math.PI * label) / classNames.length;
  return {
    x: Array.from(labels, (label) => 4 * Math.cos(at(label)) + random.normal()),
    y: Array.from(labels, (label) => 4 * Math.sin(at(label)) + random.normal()),
    labels,
    classNames,
    ids,
  };
}

/** Three models by three pairs of training and test data. */
export function exampleAblation(): AblationRun[] {
  const data = [
    ["unbalanced", "unbalanced"],
    ["balanced", "balanced"],
    ["balanced", "unbalanced"],
  ];
  return ["ResNet-50", "Custom CNN", "ViT"].flatMap((model, m) =>
    data.map(([trainedOn, testedOn], d) => ({
      model,
      trainedOn,
      testedOn,
      ...exampleScores(examplePredictions(1000, 10 * m + d, 1.6 + 0.4 * m - 0.2 * d)),
    })),
  );
}

/** What a made-up network sees in pictures, so far from its galaxies. */
export function exampleSeen(away: number, seed = 0): Seen {
  const random = new Random(seed, `example seen ${away}`);
  const labels = Int32Array.from({ length: 200 }, (_, row) => row % 3);
  const normal = (row: number, f: number) => random.normal(f === labels[row] ? 4 - away : away, 1);
  const values = Float64Array.from({ length: 600 }, (_, i) => normal(Math.floor(i / 3), i % 3));
  const strengths = labels.map((_, row) => 20 + 10 * Math.abs(values[3 * row]));
  return { features: { values, width: 3 }, logits: { values, width: 3 }, labels, strengths };
}

/** A permutation test of the means of two made-up samples, so far apart. */
export function examplePermutations(shift: number): PermutationTest {
  const random = new Random(8, "example permutations");
  const values = Float64Array.from({ length: 100 }, (_, i) => random.normal(i < 50 ? shift : 0, 2));
  const mean = (rows: Uint32Array) => rows.reduce((sum, row) => sum + values[row] / rows.length, 0);
  return permutationTest([50, 50], (a, b) => Math.abs(mean(a) - mean(b)));
}

function exampleScores(predictions: Predictions): Pick<AblationRun, "metrics" | "breakdown"> {
  const { accuracy, logLoss, perClass } = evaluate(predictions);
  const recalls = perClass.map(({ name, recall }) => [name, recall]);
  return {
    metrics: { accuracy, logLoss },
    breakdown: { name: "recall", overall: "accuracy", scores: Object.fromEntries(recalls) },
  };
}

/** A made-up sweep: the learning rate counts, the batch's size a little, weight decay not. */
export function exampleSweep(trials = 40): SweepTable {
  const random = new Random(8, "example sweep");
  const sizes = ["16", "32", "64", "128"];
  return {
    parameters: [
      { name: "train.optimizer.learningRate", scale: "log" },
      { name: "train.batchSize", scale: "list" },
      { name: "train.optimizer.weightDecay", scale: "linear" },
    ],
    metric: "valAccuracy",
    better: "max",
    trials: Array.from({ length: trials }, (_, i) => {
      const rate = 10 ** random.uniform(-5, -1);
      const size = random.integer(sizes.length);
      const score =
        0.82 - 0.08 * (Math.log10(rate) + 3) ** 2 - 0.02 * size + random.normal(0, 0.02);
      const values = [rate, sizes[size], random.uniform(0, 0.1)];
      return {
        name: `trial-${i + 1}`,
        values,
        epochs: 5,
        score,
        seconds: 40 + 10 * random.uniform(),
      };
    }),
  };
}
