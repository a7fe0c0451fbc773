import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Index, MetricKind, ScalarKind } from "usearch";
import { z } from "zod";
import { UserError } from "../core/errors";
import { rowsById } from "../core/ids";
import { throwIfInterrupted } from "../core/kernel-host";
import { systemError } from "../core/system-errors";
import { atomicPathSync, makeFolder, writeFileAtomic } from "../io/atomic";
import { sha256 } from "../io/digests";
import {
  checkComparable,
  type Embedding,
  type EmbeddingSource,
  readIds,
  writeIds,
} from "./embedding";
import { type Neighbors, unitVectors } from "./neighbors";

/** How {@link SimilarityIndex.build} builds. */
export interface SimilarityIndexOptions {
  /** Neighbors that each galaxy is linked to: more find more, and take more memory. Default 16. */
  readonly connectivity?: number;
  /** Candidates that are looked at for each galaxy that is added: more build slower, and find more. Default 128. */
  readonly expansionAdd?: number;
  /** Candidates that are looked at in a search: more are slower, and find more. Default 64. */
  readonly expansionSearch?: number;
  /** Store 16 bits a number in the place of 32. Default false. */
  readonly float16?: boolean;
  /** Told how many galaxies are in it, and of how many. Default: nobody is told. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Galaxies added at once: an interrupt waits for so many. */
const PIECE = 2048;

const noteSchema = z.object({
  model: z.string(),
  weights: z.string(),
  data: z.string(),
  width: z.int().positive(),
  galaxies: z.int().positive(),
  sha256: z.string(),
  connectivity: z.int(),
  expansionAdd: z.int(),
  expansionSearch: z.int(),
  float16: z.boolean(),
});
type Note = z.output<typeof noteSchema>;

/**
 * Finds galaxies like others without comparing all: a graph of neighbors in layers (HNSW, Malkov & Yashunin
 * 2018, arXiv:1603.09320), by the library USearch. `neighborRecall` says how much it finds.
 *
 * Of 10⁶ made-up galaxies of 384 numbers (float16, `expansionAdd` 32, AMD EPYC with AVX2, one thread) the ten
 * nearest take 0.45 ms, 0.9 ms for 95 % of the questions; 93 % of them are the right ones. With
 * `expansionSearch` 256 these are 0.6 ms, 1.1 ms and 95 %.
 */
export class SimilarityIndex {
  private constructor(
    private readonly index: Index,
    /** Id of each row. */
    readonly ids: readonly string[],
    private readonly note: Omit<Note, "sha256">,
  ) {}

  /** Whose features are in it. */
  get source(): EmbeddingSource {
    const { model, weights, data } = this.note;
    return { model, weights, data };
  }

  /** Numbers a galaxy. */
  get width(): number {
    return this.note.width;
  }

  /**
   * Put galaxies into a new index.
   *
   * @throws UserError where an id stands twice, or there are no galaxies
   */
  static async build(
    embedding: Embedding,
    { onProgress, ...options }: SimilarityIndexOptions = {},
  ): Promise<SimilarityIndex> {
    const { ids, width, source } = embedding;
    rowsById(ids, "the embedding");
    if (ids.length === 0) {
      throw new UserError("there are no galaxies to put into an index", "embed some first");
    }
    const {
      connectivity = 16,
      expansionAdd = 128,
      expansionSearch = 64,
      float16 = false,
    } = options;
    const sizes = { connectivity, expansionAdd, expansionSearch, float16 };
    const note = { ...source, width, galaxies: ids.length, ...sizes };
    const index = emptyIndex(note);
    for (let from = 0; from < ids.length; from += PIECE) {
      throwIfInterrupted();
      const to = Math.min(from + PIECE, ids.length);
      const values = embedding.values.subarray(from * width, to * width);
      const keys = BigUint64Array.from({ length: to - from }, (_, i) => BigInt(from + i));
      index.add(keys, unitVectors({ values, width }));
      onProgress?.(to, ids.length);
      await new Promise<void>((next) => setImmediate(next));
    }
    return new SimilarityIndex(index, ids, note);
  }

  /**
   * The galaxies most like others, nearly all of them found.
   *
   * @param k Neighbors of each query; as many as there are galaxies at most.
   * @throws UserError where the queries are not of the index's model
   */
  search(queries: Embedding, k: number): Neighbors {
    checkComparable(queries, this, "the query", "the index");
    const kept = Math.min(k, this.ids.length);
    const count = queries.ids.length;
    const rows = new Int32Array(count * kept);
    const similarity = new Float32Array(count * kept);
    const all = unitVectors(queries);
    for (let q = 0; q < count; q++) {
      const own = all.subarray(q * this.width, (q + 1) * this.width);
      // One thread is faster for one query than starting several.
      const { keys, distances } = this.index.search(own, kept, 1);
      for (let i = 0; i < keys.length; i++) {
        rows[q * kept + i] = Number(keys[i]);
        similarity[q * kept + i] = 1 - distances[i];
      }
    }
    return { rows, similarity, k: kept };
  }

  /** Write the index into a folder: the graph, the ids, and whose features they are. */
  async save(folder: string): Promise<void> {
    makeFolder(folder);
    const files = filesOf(folder);
    atomicPathSync(files.graph, (temporary) => this.index.save(temporary));
    writeIds(files.ids, this.ids);
    const note: Note = { ...this.note, sha256: await sha256(files.graph) };
    writeFileAtomic(files.note, `${JSON.stringify(note)}\n`);
  }

  /**
   * Open an index that {@link SimilarityIndex.save} wrote.
   *
   * @throws UserError where there is none, or a file of it is cut off or of another index
   */
  static async open(folder: string): Promise<SimilarityIndex> {
    const files = filesOf(folder);
    const note = readNote(files.note);
    const ids = await readIds(files.ids);
    // The library believes what it reads: damaged bytes would end the process.
    const digest = existsSync(files.graph) ? await sha256(files.graph) : "";
    if (digest !== note.sha256 || ids.length !== note.galaxies) {
      throw new UserError(
        `${folder} does not hold the graph and the ${note.galaxies} ids that were written there`,
        "a file is cut off or of another index: copy the folder again, or build the index anew",
      );
    }
    const index = emptyIndex(note);
    index.load(files.graph);
    return new SimilarityIndex(index, ids, note);
  }
}

function emptyIndex(note: Omit<Note, "sha256">): Index {
  return new Index({
    dimensions: note.width,
    // Vectors have length 1, whose inner product is their cosine.
    metric: MetricKind.IP,
    quantization: note.float16 ? ScalarKind.F16 : ScalarKind.F32,
    connectivity: note.connectivity,
    expansion_add: note.expansionAdd,
    expansion_search: note.expansionSearch,
    multi: false,
  });
}

function readNote(path: string): Note {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw systemError(error, path, "cannot be read");
  }
  try {
    return noteSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new UserError(`${path} describes no index`, "build the index anew", { cause });
  }
}

function filesOf(folder: string) {
  return {
    graph: join(folder, "graph.usearch"),
    ids: join(folder, "ids.csv"),
    note: join(folder, "index.json"),
  };
}
