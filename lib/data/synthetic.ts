import { rmSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../core/errors";
import { throwIfInterrupted } from "../core/kernel-host";
import { makeFolder, writeFileAtomic } from "../io/atomic";
import { readCsv } from "../io/csv";
import { formatCsv } from "../io/csv-text";
import { encodeNpy, parseNpyHeader } from "../io/npy";
import type { Dataset, DatasetInfo, Votes } from "./dataset";
import type { GalaxyParameters } from "./galaxy-parameters";
import { type Galaxy10Batch, galaxy10DecalsClasses, openGalaxy10, writeGalaxy10 } from "./galaxy10";
import { fieldOfView, makeGalaxy } from "./simulator";
import { drawCounts, votesOfCounts } from "./synthetic-votes";

/** How many galaxies, how large, and which. */
export interface SyntheticOptions {
  /** Number of galaxies; 3,000 by default. */
  readonly count?: number;
  /** Height and width of an image, 16–512 pixels; 64 by default. */
  readonly size?: number;
  /** Of everything that is drawn; 42 by default. */
  readonly seed?: number;
  /** Called after each batch. */
  readonly onProgress?: (done: number, total: number) => void;
}

const defaults = { count: 3000, size: 64, seed: 42 };

/** Of the way galaxies are made: sets of another one are made anew. */
const VERSION = 1;

/** What a list of data sets shows. */
export const info: DatasetInfo = {
  name: "synthetic",
  title: "Synthetic galaxies in Galaxy10 DECaLS' ten classes",
  description:
    "Sérsic bulges, inclined exponential disks with logarithmic arms and bars, edge-on disks, " +
    "tidal tails and merging pairs; seeing, sky, noise, stars and neighbors; drawn as the " +
    "Legacy Survey viewer draws g, r, z. Every image knows the parameters it was made with.",
  size: `${defaults.count} images of ${defaults.size} × ${defaults.size} pixels, 10 classes, 37 MB`,
  source: "made on this machine from a seed",
  license: "MIT",
};

/**
 * Make a set of galaxies: `synthetic.h5` in Galaxy10's layout and, beside it, `synthetic.csv` with
 * the parameters of each.
 *
 * @returns The path of the HDF5 file. A set that is there already, made alike, is kept.
 */
export async function makeSynthetic(
  folder: string,
  options: SyntheticOptions = {},
): Promise<string> {
  const { count, size, seed } = { ...defaults, ...withoutUndefined(options) };
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(size) || size < 16 || size > 512) {
    throw new UserError(
      `Synthetic galaxies: count ${count}, size ${size}; expected count ≥ 1 and size 16–512.`,
      "Correct the value.",
    );
  }
  const path = join(folder, "synthetic.h5");
  const recipe = JSON.stringify({ count, size, seed, version: VERSION });
  if ((await recipeOf(path)) === recipe) return path;

  makeFolder(folder);
  rmSync(votesPath(path), { force: true });
  const truths: GalaxyParameters[] = [];
  const catalog = {
    ra: new Float64Array(count),
    dec: new Float64Array(count),
    redshift: new Float64Array(count),
    pxscale: new Float64Array(count).fill(fieldOfView / size),
  };
  async function* batches(): AsyncGenerator<Galaxy10Batch> {
    for (let from = 0; from < count; from += 100) {
      const images = new Uint8Array(Math.min(100, count - from) * size * size * 3);
      const labels: number[] = [];
      for (let i = 0; i * size * size * 3 < images.length; i++) {
        const galaxy = makeGalaxy(seed, from + i, size);
        images.set(galaxy.image, i * size * size * 3);
        labels.push(galaxy.truth.label);
        truths.push(galaxy.truth);
        catalog.ra[from + i] = galaxy.ra;
        catalog.dec[from + i] = galaxy.dec;
        catalog.redshift[from + i] = galaxy.redshift;
      }
      yield { images, labels };
      options.onProgress?.(Math.min(from + 100, count), count);
      await new Promise((resume) => setImmediate(resume));
      throwIfInterrupted();
    }
  }
  await writeGalaxy10(path, [size, size], batches(), catalog);
  writeFileAtomic(truthPath(path), truthCsv(truths));
  // The recipe comes last: it says that the other two are whole.
  writeFileAtomic(recipePath(path), recipe);
  return path;
}

/** Make the set, if there is none, in `<dataFolder>/synthetic`. */
export async function get(
  dataFolder: string,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  await setIn(dataFolder, onProgress);
}

/** The set that lies in a folder, of whatever number and size it was made; where there is none, the usual one, made now. */
async function setIn(
  dataFolder: string,
  onProgress?: SyntheticOptions["onProgress"],
): Promise<string> {
  const folder = join(dataFolder, info.name);
  const path = join(folder, "synthetic.h5");
  const recipe = await recipeOf(path);
  if (recipe?.endsWith(`"version":${VERSION}}`)) return path;
  return makeSynthetic(folder, { onProgress });
}

/**
 * Open the set that lies there, making the usual one where there is none. The table has the parameters of each galaxy as columns; besides
 * its class each has votes, drawn from these parameters: `task: votes` learns them.
 */
export async function open(
  dataFolder: string,
  onProgress?: (done: number, total: number) => void,
): Promise<Dataset> {
  const path = await setIn(dataFolder, onProgress);
  const dataset = await openGalaxy10(path, {
    name: info.name,
    classNames: galaxy10DecalsClasses,
  });
  const { columns: truth } = await readCsv(truthPath(path), (header) =>
    Object.fromEntries(header.map((name) => [name, "number"])),
  );
  const keys = Object.keys(truth);
  const galaxies = Array.from(
    { length: dataset.size },
    (_, row) => Object.fromEntries(keys.map((key) => [key, truth[key][row]])) as never,
  );
  const table = { ...dataset.table, ...truth, label: dataset.table.label };
  return { ...dataset, table, votes: await keptVotes(path, galaxies) };
}

/** The votes of a set that lies here: drawn when it is first opened, and kept beside it. */
async function keptVotes(path: string, galaxies: readonly GalaxyParameters[]): Promise<Votes> {
  const file = votesPath(path);
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes !== undefined) {
    try {
      const { shape, offset } = parseNpyHeader(bytes, bytes.length, file);
      if (shape[0] === galaxies.length) {
        return votesOfCounts(new Float32Array(Uint8Array.from(bytes.subarray(offset)).buffer));
      }
    } catch (error) {
      // A damaged one is drawn again.
      if (!(error instanceof UserError)) throw error;
    }
  }
  const counts = drawCounts(galaxies);
  try {
    writeFileAtomic(file, encodeNpy(counts, [galaxies.length, counts.length / galaxies.length]));
  } catch (error) {
    // Where nothing can be written they are drawn each time.
    if (!(error instanceof UserError)) throw error;
  }
  return votesOfCounts(counts);
}

const truthPath = (path: string) => path.replace(/\.h5$/, ".csv");
const votesPath = (path: string) => path.replace(/\.h5$/, "-votes.npy");
const recipePath = (path: string) => path.replace(/\.h5$/, ".json");

/** How the set of a file was made; undefined where it is not there, or not whole. */
async function recipeOf(path: string): Promise<string | undefined> {
  const there = await Promise.all(
    [path, truthPath(path)].map((p) => stat(p).catch(() => undefined)),
  );
  if (there.includes(undefined)) return undefined;
  return readFile(recipePath(path), "utf8").catch(() => undefined);
}

function truthCsv(truths: readonly GalaxyParameters[]): string {
  const keys = Object.keys(truths[0]) as (keyof GalaxyParameters)[];
  return formatCsv(
    keys,
    truths.map((truth) => keys.map((key) => Number(truth[key].toPrecision(7)))),
  );
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, v]) => v !== undefined)) as T;
}
