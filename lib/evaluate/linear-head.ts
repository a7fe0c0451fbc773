import { argmax } from "../core/argmax";
import { matrixRows } from "./feature-matrix";

/** What is learned on features: a linear classifier. */
export interface TrainedHead {
  /** float32 `[features, answers]`, row-major. */
  readonly weight: Float32Array;
  /** float32 `[answers]`. */
  readonly bias: Float32Array;
}

/** Strength of the pull of weights towards 0, for standardized features. */
const PENALTY = 1e-2;
const STEPS = 150;
/** Parts of the cross-validation. */
const FOLDS = 5;

/**
 * Classes as what {@link trainHead} learns from.
 *
 * @param labels Class of each row; a row of none (−1) weighs nothing.
 * @returns float64 `[rows, classes]`: 1 at the class, else 0
 */
export function oneHot(labels: ArrayLike<number>, classes: number): Float64Array {
  const targets = new Float64Array(labels.length * classes);
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] >= 0) targets[row * classes + labels[row]] = 1;
  }
  return targets;
}

/**
 * Multinomial logistic regression on features, standardized, with an L2 penalty, by Nesterov's
 * accelerated gradient.
 *
 * @param features float32 `[rows, width]`, row-major.
 * @param targets `[rows, answers]`: {@link oneHot} classes, fractions, or numbers of votes. A row weighs as
 * much as its sum.
 * @param answers How many there are.
 */
export function trainHead(
  features: Float32Array,
  targets: ArrayLike<number>,
  answers: number,
): TrainedHead {
  const rows = targets.length / answers;
  const width = features.length / rows;
  const { x, mean, deviation } = standardize(features, rows, width);
  // All weights that the steps come by are sums of rows: where rows are few, the steps go by their shares.
  const byRows = 2 * rows < width;
  const inputs = byRows ? products(x, rows, width) : x;
  let w = new Float64Array(((byRows ? rows : width) + 1) * answers);
  let before = w;
  // The loss curves by no more than half the mean squared length of a row, and the penalty.
  const rate = 1 / (0.5 * (width + 1) + PENALTY);
  for (let step = 1; step <= STEPS; step++) {
    const momentum = (step - 1) / (step + 2);
    const old = before;
    const ahead = w.map((value, i) => value + momentum * (value - old[i]));
    const gradient = slope(inputs, targets, ahead, answers, byRows);
    before = w;
    w = ahead.map((value, i) => value - rate * gradient[i]);
  }
  const weight = new Float32Array(width * answers);
  const bias = new Float32Array(answers);
  const sums = byRows ? sumsOfRows(x, w, answers, width) : w;
  for (let a = 0; a < answers; a++) {
    let shift = w[w.length - answers + a];
    for (let f = 0; f < width; f++) {
      const value = sums[f * answers + a] / deviation[f];
      weight[f * answers + a] = value;
      shift -= value * mean[f];
    }
    bias[a] = shift;
  }
  return { weight, bias };
}

/** Probabilities of a head, float64 `[rows, answers]`. */
export function askHead({ weight, bias }: TrainedHead, features: Float32Array): Float64Array {
  const answers = bias.length;
  const width = weight.length / answers;
  const rows = features.length / width;
  const out = new Float64Array(rows * answers);
  for (let row = 0; row < rows; row++) {
    const own = out.subarray(row * answers, (row + 1) * answers);
    own.set(bias);
    for (let f = 0; f < width; f++) {
      const value = features[row * width + f];
      for (let a = 0; a < answers; a++) own[a] += value * weight[f * answers + a];
    }
    softmax(own);
  }
  return out;
}

/**
 * What heads say of rows that they have not seen: each fifth is asked of one that learned from the rest. So
 * every galaxy of a data set can be judged, its label too: the table of these is what
 * `rankLabelErrors` wants.
 *
 * @param features float32 `[rows, width]`, row-major.
 * @param labels Class of each row.
 * @param answers How many there are.
 * @returns probabilities, float64 `[rows, answers]`; undefined for fewer rows than parts
 */
export function crossPredict(
  features: Float32Array,
  labels: ArrayLike<number>,
  answers: number,
): Float64Array | undefined {
  const rows = labels.length;
  if (rows < FOLDS) return undefined;
  const width = features.length / rows;
  // By turns within each answer, so that every part has of all.
  const seen = new Array<number>(answers).fill(0);
  const fold = Array.from(labels, (label) => seen[label]++ % FOLDS);
  const probabilities = new Float64Array(rows * answers);
  for (let part = 0; part < FOLDS; part++) {
    const pick = (test: boolean) => fold.flatMap((f, row) => ((f === part) === test ? [row] : []));
    const [learn, test] = [pick(false), pick(true)];
    if (test.length === 0 || learn.length === 0) continue;
    const learned = learn.map((row) => labels[row]);
    const head = trainHead(matrixRows(features, learn, width), oneHot(learned, answers), answers);
    const p = askHead(head, matrixRows(features, test, width));
    for (const [i, row] of test.entries()) {
      probabilities.set(p.subarray(i * answers, (i + 1) * answers), row * answers);
    }
  }
  return probabilities;
}

/**
 * Share of rows that a head answers right that has not seen them ({@link crossPredict}).
 *
 * @returns undefined for fewer rows than parts
 */
export function crossValidate(
  features: Float32Array,
  labels: readonly number[],
  answers: number,
): number | undefined {
  const p = crossPredict(features, labels, answers);
  if (p === undefined) return undefined;
  const right = labels.filter((label, row) => argmax(p, row * answers, answers) === label);
  return right.length / labels.length;
}

function standardize(features: Float32Array, rows: number, width: number) {
  const mean = new Float64Array(width);
  const deviation = new Float64Array(width);
  for (let i = 0; i < features.length; i++) mean[i % width] += features[i] / rows;
  for (let i = 0; i < features.length; i++) {
    deviation[i % width] += (features[i] - mean[i % width]) ** 2 / rows;
  }
  for (let f = 0; f < width; f++) deviation[f] = Math.sqrt(deviation[f]) + 1e-6;
  const x = Float64Array.from(features, (v, i) => (v - mean[i % width]) / deviation[i % width]);
  return { x, mean, deviation };
}

/** Of each row with each, `[rows, rows]`. */
function products(x: Float64Array, rows: number, width: number): Float64Array {
  const out = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let f = 0; f < width; f++) sum += x[i * width + f] * x[j * width + f];
      out[i * rows + j] = out[j * rows + i] = sum;
    }
  }
  return out;
}

/** Sums of rows by the shares that each answer has of them, `[width, answers]`. */
function sumsOfRows(
  x: Float64Array,
  shares: Float64Array,
  answers: number,
  width: number,
): Float64Array {
  const out = new Float64Array(width * answers);
  for (let i = 0; i < x.length; i++) {
    const row = Math.floor(i / width);
    const f = i % width;
    for (let a = 0; a < answers; a++) out[f * answers + a] += x[i] * shares[row * answers + a];
  }
  return out;
}

/**
 * Gradient of the mean log loss and the penalty by weights `[width + 1, answers]`, the bias last.
 *
 * @param byRows The weights are shares of rows, and `x` the rows' products: the gradient is one of shares, too.
 */
function slope(
  x: Float64Array,
  targets: ArrayLike<number>,
  w: Float64Array,
  answers: number,
  byRows: boolean,
): Float64Array {
  const width = w.length / answers - 1;
  const rows = targets.length / answers;
  let total = 0;
  for (let i = 0; i < targets.length; i++) total += targets[i];
  const gradient = new Float64Array(w.length);
  for (let i = 0; i < width * answers; i++) gradient[i] = PENALTY * w[i];
  const p = new Float64Array(answers);
  for (let row = 0; row < rows; row++) {
    let weight = 0;
    for (let a = 0; a < answers; a++) weight += targets[row * answers + a];
    if (weight === 0) continue;
    p.set(w.subarray(width * answers));
    for (let f = 0; f < width; f++) {
      const value = x[row * width + f];
      for (let a = 0; a < answers; a++) p[a] += value * w[f * answers + a];
    }
    softmax(p);
    for (let a = 0; a < answers; a++) {
      p[a] = (weight * p[a] - targets[row * answers + a]) / total;
    }
    if (byRows) {
      for (let a = 0; a < answers; a++) gradient[row * answers + a] += p[a];
    } else {
      for (let f = 0; f < width; f++) {
        const value = x[row * width + f];
        for (let a = 0; a < answers; a++) gradient[f * answers + a] += value * p[a];
      }
    }
    for (let a = 0; a < answers; a++) gradient[width * answers + a] += p[a];
  }
  return gradient;
}

function softmax(z: Float64Array): void {
  const largest = z.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (let i = 0; i < z.length; i++) {
    z[i] = Math.exp(z[i] - largest);
    sum += z[i];
  }
  for (let i = 0; i < z.length; i++) z[i] /= sum;
}
