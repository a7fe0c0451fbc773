import { createWriteStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { z } from "zod";
import { UserError } from "../core/errors";
import { halfToNumber, numberToHalf } from "../core/float16";
import { rowsById } from "../core/ids";
import { systemError } from "../core/system-errors";
import type { Table } from "../core/table";
import type { Dataset } from "../data/dataset";
import { atomicPath, writeFileAtomic } from "../io/atomic";
import { npyHeader, parseNpyHeader } from "../io/npy";
import { openParquet } from "../io/parquet-read";
import { writeParquet } from "../io/parquet-write";
import type { PassOptions } from "../predict/answers";
import type { Features, Predictor } from "../predict/predictor";
import {
  checkComparable,
  type Embedding,
  type EmbeddingSource,
  readIds,
  writeIds,
} from "./embedding";

/** Galaxies whose features are held while a file is written. */
const PIECE = 4096;
/** Key of a Parquet file's words about itself. */
const KEY = "tuning-fork embedding";

const noteSchema = z.object({
  model: z.string(),
  weights: z.string(),
  data: z.string(),
  width: z.int().positive(),
});

/** How {@link writeEmbedding} writes. */
export interface WriteEmbeddingOptions extends PassOptions {
  /** Store 16 bits a number, of 11 significant ones, in the place of 32. Default false. */
  readonly float16?: boolean;
}

/**
 * Compute the features of galaxies and write them, a piece at a time: memory does not grow with their number.
 *
 * `FILE.parquet` has the columns `id`, `f0`, `f1` …. `FILE.npy` is `[galaxies, width]`; beside it stand
 * `FILE.ids.csv` and `FILE.json`. Each file appears once it is whole.
 *
 * @param rows Row numbers.
 * @returns the number of values a galaxy
 * @throws UserError for another ending, no rows, or when the disk refuses
 */
export async function writeEmbedding(
  path: string,
  predictor: Pick<Predictor, "features">,
  dataset: Dataset,
  rows: ArrayLike<number>,
  source: EmbeddingSource,
  { float16 = false, ...options }: WriteEmbeddingOptions = {},
): Promise<number> {
  checkEnding(path);
  if (rows.length === 0) {
    throw new UserError(
      "there are no galaxies to embed",
      "give a data set or a split that has some",
    );
  }
  const all = Uint32Array.from(rows);
  async function* pieces(): AsyncGenerator<Features> {
    for (let from = 0; from < all.length; from += PIECE) {
      const next = all.subarray(from, from + PIECE);
      yield await predictor.features(dataset, next, {
        ...options,
        onProgress: (done) => options.onProgress?.(from + done, all.length),
      });
    }
  }
  const [first, rest] = await begin(pieces());
  const note = { ...source, width: first.width };
  if (path.endsWith(".parquet")) {
    const names = columnNames(first.width);
    const type = float16 ? "float16" : "float32";
    const types = Object.fromEntries(names.map((name) => [name, type] as const));
    await writeParquet(path, { id: "text", ...types }, tables(rest, names), {
      metadata: { [KEY]: JSON.stringify(note) },
    });
    return first.width;
  }
  const ids: string[] = [];
  const beside = besideNpy(path);
  await atomicPath(path, async (temporary) => {
    const stream = createWriteStream(temporary);
    // An error shows itself where its end is waited for.
    const end = finished(stream);
    end.catch(() => {});
    stream.write(npyHeader([all.length, first.width], float16 ? "<f2" : "<f4"));
    for await (const { ids: own, values } of rest) {
      for (const id of own) ids.push(id);
      const stored = float16 ? Uint16Array.from(values, numberToHalf) : values;
      const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
      await new Promise<void>((done, failed) => {
        stream.write(bytes, (error) => (error ? failed(error) : done()));
      });
    }
    stream.end();
    await end;
    writeIds(beside.ids, ids);
    writeFileAtomic(beside.note, `${JSON.stringify(note)}\n`);
  });
  return first.width;
}

/** The first piece, and all of them: a file's header needs the width. */
async function begin(
  pieces: AsyncGenerator<Features>,
): Promise<[Features, AsyncGenerator<Features>]> {
  const { value: first } = await pieces.next();
  async function* all() {
    yield first;
    yield* pieces;
  }
  return [first, all()];
}

async function* tables(
  pieces: AsyncIterable<Features>,
  names: readonly string[],
): AsyncGenerator<Table> {
  for await (const { ids, values, width } of pieces) {
    const columns = names.map((name, f) => {
      return [name, Float32Array.from(ids, (_, row) => values[row * width + f])] as const;
    });
    yield { id: ids, ...Object.fromEntries(columns) };
  }
}

/**
 * Read features that {@link writeEmbedding} wrote: one file, or the parts of one data set.
 *
 * @param paths Parts stand in this order.
 * @throws UserError where a file is cut off or holds no embedding, parts are of different models, or an id
 * stands twice
 */
export async function readEmbedding(...paths: readonly string[]): Promise<Embedding> {
  const parts: Embedding[] = [];
  for (const path of paths) {
    checkEnding(path);
    const part = await (path.endsWith(".npy") ? readNpy(path) : readTable(path));
    checkComparable(part, parts[0] ?? part, path, paths[0]);
    parts.push(part);
  }
  const { source, width } = parts[0];
  const ids = parts.flatMap((part) => part.ids);
  rowsById(ids, paths.join(", "));
  const values = new Float32Array(ids.length * width);
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at);
    at += part.values.length;
  }
  return { ids, values, width, source };
}

async function readTable(path: string): Promise<Embedding> {
  const file = await openParquet(path);
  try {
    const { width, ...source } = parseNote(path, file.metadata[KEY]);
    const names = columnNames(width);
    if (names.some((name) => !file.header.includes(name))) {
      throw new UserError(
        `${path} says that it has ${width} numbers a galaxy, and lacks some of the columns f0 … f${width - 1}`,
        "embed the galaxies again",
      );
    }
    const values = new Float32Array(file.size * width);
    const ids: string[] = [];
    const types = Object.fromEntries(names.map((name) => [name, "number"] as const));
    for await (const { start, size, columns } of file.groups({ id: "text", ...types })) {
      for (const id of columns.id) ids.push(String(id));
      for (const [f, name] of names.entries()) {
        const own = columns[name];
        for (let i = 0; i < size; i++) values[(start + i) * width + f] = Number(own[i]);
      }
    }
    return { ids, values, width, source };
  } finally {
    await file.close();
  }
}

async function readNpy(path: string): Promise<Embedding> {
  const beside = besideNpy(path);
  const text = await readFile(beside.note, "utf8").catch((error: unknown) => {
    throw systemError(error, beside.note, "cannot be read");
  });
  const { width, ...source } = parseNote(beside.note, text);
  const ids = await readIds(beside.ids);
  const file = await open(path).catch((error: unknown) => {
    throw systemError(error, path, "cannot be read");
  });
  try {
    const bytes = await file.readFile();
    const { shape, offset, dtype } = parseNpyHeader(bytes, bytes.length, path, ["<f4", "<f2"]);
    if (shape.length !== 2 || shape[0] !== ids.length || shape[1] !== width) {
      throw new UserError(
        `${path} is ${shape.join(" × ")}; ${ids.length} × ${width} were expected by the files beside it`,
        "keep the three files of an embedding together, or embed the galaxies again",
      );
    }
    const values = new Float32Array(ids.length * width);
    for (let i = 0; i < values.length; i++) {
      values[i] =
        dtype === "<f2"
          ? halfToNumber(bytes.readUInt16LE(offset + 2 * i))
          : bytes.readFloatLE(offset + 4 * i);
    }
    return { ids, values, width, source };
  } finally {
    await file.close();
  }
}

function parseNote(path: string, text: string | undefined): z.output<typeof noteSchema> {
  try {
    return noteSchema.parse(JSON.parse(text ?? ""));
  } catch (cause) {
    throw new UserError(
      `${path} does not say whose features it holds`,
      "give a file that `tuning-fork embed` wrote",
      { cause },
    );
  }
}

function besideNpy(path: string): { readonly ids: string; readonly note: string } {
  const stem = path.slice(0, -".npy".length);
  return { ids: `${stem}.ids.csv`, note: `${stem}.json` };
}

function columnNames(width: number): string[] {
  return Array.from({ length: width }, (_, f) => `f${f}`);
}

/** @throws UserError for the path of no embedding */
export function checkEnding(path: string): void {
  if (/\.(parquet|npy)$/.test(path)) return;
  throw new UserError(
    `${path} ends in neither .parquet nor .npy`,
    "let the name of a file of features end in one of them",
  );
}
