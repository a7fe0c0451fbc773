import { argmax } from "../core/argmax";
import { UserError } from "../core/errors";
import { Random } from "../core/random";
import type { Table } from "../core/table";
import type { FeatureMatrix } from "../evaluate/feature-matrix";

/** Galaxies in clusters. */
export interface Clusters {
  /** Cluster of each galaxy, from 0. */
  readonly labels: Int32Array;
  /** Mean features of each cluster, float64 `[clusters, width]`. */
  readonly centers: Float64Array;
  /** Sum of the squared distances to the own center. */
  readonly inertia: number;
}

/** How {@link kMeans} begins. */
export interface KMeansOptions {
  /** Times that it begins anew, of which the best is kept. Default 4. */
  readonly starts?: number;
  /** Of the first centers. Default 0. */
  readonly seed?: number;
  /** First centers, `[clusters, width]`, in the place of drawn ones. Default: drawn, far from each other. */
  readonly centers?: ArrayLike<number>;
}

const STEPS = 300;

/**
 * Clusters around means (Lloyd 1982), begun at galaxies far from each other (k-means++, Arthur &
 * Vassilvitskii 2007); as scikit-learn's `KMeans`.
 *
 * @param clusters How many.
 * @throws UserError for more clusters than galaxies
 */
export function kMeans(
  features: FeatureMatrix,
  clusters: number,
  { starts = 4, seed = 0, centers }: KMeansOptions = {},
): Clusters {
  const values = Float64Array.from(features.values);
  const { width } = features;
  const rows = values.length / width;
  if (rows < clusters) {
    throw new UserError(`${rows} galaxies do not make ${clusters} clusters`, "ask for fewer");
  }
  const random = new Random(seed, "k-means");
  let best: Clusters | undefined;
  for (let start = 0; start < (centers ? 1 : starts); start++) {
    const first = centers ? Float64Array.from(centers) : spread(values, width, clusters, random);
    const found = lloyd(values, width, first);
    if (best === undefined || found.inertia < best.inertia) best = found;
  }
  return best ?? lloyd(values, width, values.slice(0, clusters * width));
}

/** Galaxies far from each other: each is drawn by its squared distance to those before. */
function spread(values: Float64Array, width: number, k: number, random: Random): Float64Array {
  const rows = values.length / width;
  const centers = new Float64Array(k * width);
  const nearest = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  let chosen = random.integer(rows);
  for (let c = 0; ; c++) {
    centers.set(values.subarray(chosen * width, (chosen + 1) * width), c * width);
    if (c === k - 1) return centers;
    let total = 0;
    for (let row = 0; row < rows; row++) {
      nearest[row] = Math.min(
        nearest[row],
        squared(values, row * width, centers, c * width, width),
      );
      total += nearest[row];
    }
    let left = random.uniform(0, total);
    chosen = nearest.findIndex((square) => {
      left -= square;
      return left < 0;
    });
    if (chosen < 0) chosen = random.integer(rows);
  }
}

function lloyd(values: Float64Array, width: number, first: Float64Array): Clusters {
  const k = first.length / width;
  const rows = values.length / width;
  const labels = new Int32Array(rows).fill(-1);
  let centers = first;
  for (let step = 0; ; step++) {
    let moved = 0;
    let inertia = 0;
    const sums = new Float64Array(k * width);
    const counts = new Float64Array(k);
    for (let row = 0; row < rows; row++) {
      let own = 0;
      let least = Number.POSITIVE_INFINITY;
      for (let c = 0; c < k; c++) {
        const square = squared(values, row * width, centers, c * width, width);
        if (square < least) [own, least] = [c, square];
      }
      if (labels[row] !== own) moved++;
      labels[row] = own;
      inertia += least;
      counts[own]++;
      for (let f = 0; f < width; f++) sums[own * width + f] += values[row * width + f];
    }
    if (moved === 0 || step === STEPS) return { labels, centers, inertia };
    // A cluster that lost all its galaxies stays where it was.
    const before = centers;
    centers = sums.map((sum, i) => {
      const count = counts[Math.floor(i / width)];
      return count === 0 ? before[i] : sum / count;
    });
  }
}

/** What is in each cluster: how many galaxies, the commonest class and its share of those whose class is known. */
export function clusterTable(
  { labels, centers }: Clusters,
  width: number,
  classes: ArrayLike<number>,
  classNames: readonly string[],
): Table {
  const rows = Array.from({ length: centers.length / width }, (_, cluster) => {
    const own = Array.from(labels).flatMap((label, row) => (label === cluster ? [row] : []));
    const known = own.map((row) => classes[row]).filter((label) => label >= 0);
    const counts = classNames.map((_, c) => known.filter((label) => label === c).length);
    const commonest = argmax(counts);
    return {
      own: own.length,
      name: classNames[commonest] ?? "",
      share: counts[commonest] / known.length,
    };
  });
  return {
    cluster: rows.map((_, cluster) => cluster + 1),
    galaxies: rows.map(({ own }) => own),
    "commonest class": rows.map(({ name }) => name),
    share: rows.map(({ share }) => share),
  };
}

function squared(
  a: Float64Array,
  from: number,
  b: Float64Array,
  at: number,
  width: number,
): number {
  let sum = 0;
  for (let f = 0; f < width; f++) {
    const difference = a[from + f] - b[at + f];
    sum += difference * difference;
  }
  return sum;
}
