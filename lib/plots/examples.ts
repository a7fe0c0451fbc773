import { Random } from "../engine/random";
import type { Predictions } from "../evaluate/predictions";

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
      const neighbour = Math.abs(c - label) === 1 ? 0.9 : 0;
      const z = random.normal(c === label ? skill : neighbour);
      probabilities[row * k + c] = Math.exp(1.6 * z);
      sum += probabilities[row * k + c];
    }
    for (let c = 0; c < k; c++) probabilities[row * k + c] /= sum;
  }
  const ids = Array.from({ length: rows }, (_, row) => `example-${row}`);
  return { classNames: EXAMPLE_CLASSES, ids, labels, probabilities };
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
