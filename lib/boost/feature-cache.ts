import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { z } from "zod";
import { asText } from "../core/table";
import type { Dataset } from "../data/dataset";
import { writeFileAtomic } from "../io/atomic";
import { npyHeader } from "../io/npy";
import type { PassOptions } from "../predict/answers";
import type { Predictor } from "../predict/predictor";
import { pictureDigests } from "../train/row-digests";
import { type MappedMatrix, mapMatrix } from "./boost-matrix";

/** Galaxies whose features are computed between two notes of how far it got. */
const PIECE = 512;
/** So many pictures are part of the key. */
const LOOKED_AT = 16;

const noteSchema = z.object({
  /** Digest of the network's weights. */
  weights: z.string(),
  /** Digest of which galaxies they are, how they are read, and of some pictures. */
  data: z.string(),
  /** Features of each galaxy. */
  width: z.int(),
  /** Galaxies that are done. */
  done: z.int(),
});

/** Whose features are kept where. */
export interface FeatureCacheOptions extends PassOptions {
  /** The file, `….npy`; beside it stands what it is of, `….npy.json`. */
  readonly path: string;
  /** Digest of the network's weights. */
  readonly weights: string;
  /** Told in a sentence when features of something else are replaced, or some are there already. */
  readonly onNotice?: (sentence: string) => void;
}

/**
 * The features of galaxies, computed once for each network and data, and kept in a file.
 *
 * They are written piece by piece: after a kill they are gone on with. Features of another network or of
 * other galaxies in the file are told of and replaced.
 *
 * @param rows Row numbers.
 * @returns the file, mapped into memory; the caller's to close
 */
export async function cachedFeatures(
  predictor: Pick<Predictor, "features">,
  dataset: Dataset,
  rows: ArrayLike<number>,
  { path, weights, onNotice, ...options }: FeatureCacheOptions,
): Promise<MappedMatrix> {
  const [notePath, part] = [`${path}.json`, `${path}.part`];
  const data = await dataKey(dataset, rows);
  let { done, width } = beginning(path, { weights, data }, onNotice);
  if (done < rows.length) {
    if (done > 0) onNotice?.(`${done} of ${rows.length} galaxies have their features already`);
    const all = Uint32Array.from(rows);
    while (done < all.length) {
      const next = all.subarray(done, done + PIECE);
      const before = done;
      const { values, width: own } = await predictor.features(dataset, next, {
        ...options,
        onProgress: (now) => options.onProgress?.(before + now, all.length),
      });
      append(part, npyHeader([all.length, own]), done * own * 4, values);
      [done, width] = [done + next.length, own];
      writeFileAtomic(notePath, JSON.stringify({ weights, data, width, done }));
    }
  }
  if (existsSync(part)) renameSync(part, path);
  return mapMatrix(path);
}

/** What the key says of the data: which galaxies, how they are read, and what some of them look like. */
async function dataKey(dataset: Dataset, rows: ArrayLike<number>): Promise<string> {
  const ids = asText(dataset.table.id);
  const count = Math.min(LOOKED_AT, rows.length);
  const looked = Array.from(
    { length: count },
    (_, i) => rows[Math.floor((i * rows.length) / count)],
  );
  const { view, imageSize } = dataset;
  const hash = createHash("sha256");
  hash.update(JSON.stringify([imageSize, view.size, view.interpolation]));
  for (let i = 0; i < rows.length; i++) hash.update(`${ids[rows[i]]}\0`);
  hash.update((await pictureDigests(dataset, looked)).join());
  return hash.digest("hex").slice(0, 32);
}

/** How far the files got; what is of something else is removed. */
function beginning(
  path: string,
  key: { readonly weights: string; readonly data: string },
  onNotice?: (sentence: string) => void,
): { done: number; width: number } {
  const [notePath, part] = [`${path}.json`, `${path}.part`];
  const none = { done: 0, width: 0 };
  const clear = () => {
    for (const file of [notePath, part, path]) rmSync(file, { force: true });
    return none;
  };
  if (!existsSync(notePath)) return clear();
  const note = readNote(notePath);
  if (note === undefined) return clear();
  if (note.weights !== key.weights || note.data !== key.data) {
    const what = note.weights === key.weights ? "other galaxies" : "another model";
    onNotice?.(`${path} holds features of ${what}: they are computed anew`);
    return clear();
  }
  // A finished file is checked when it is mapped.
  const whole = existsSync(part) ? statSync(part).size : 0;
  if (existsSync(path)) return note;
  return whole >= note.done * note.width * 4 ? note : clear();
}

function readNote(path: string): z.output<typeof noteSchema> | undefined {
  try {
    return noteSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** Write values behind those that are noted; whatever came after them is cut off. */
function append(part: string, header: Buffer, at: number, values: Float32Array): void {
  const file = openSync(part, existsSync(part) ? "r+" : "w");
  try {
    if (at === 0) writeSync(file, header, 0, header.length, 0);
    ftruncateSync(file, header.length + at);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    writeSync(file, bytes, 0, bytes.length, header.length + at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
