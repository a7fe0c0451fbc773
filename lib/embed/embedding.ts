import { createHash } from "node:crypto";
import { UserError } from "../core/errors";
import { matrixRows } from "../evaluate/feature-matrix";
import { writeFileAtomic } from "../io/atomic";
import { readCsv } from "../io/csv";
import { formatCsv } from "../io/csv-text";
import type { Model } from "../models/module";
import type { Features } from "../predict/predictor";

/** Whose features they are: those of two networks cannot be compared. */
export interface EmbeddingSource {
  /** Registered name of the architecture. */
  readonly model: string;
  /** Digest of its weights, as {@link weightsDigest} gives it. */
  readonly weights: string;
  /** What the galaxies were opened as, such as `synthetic` or a path. */
  readonly data: string;
}

/** What a network sees in each of some galaxies. */
export interface Embedding extends Features {
  /** Whose features they are. */
  readonly source: EmbeddingSource;
}

/** A digest of a network's weights, 16 hexadecimal digits: the same for the same numbers, whatever file they came from. */
export function weightsDigest(model: Pick<Model, "parameters">): string {
  const hash = createHash("sha256");
  for (const [name, { variable }] of [...model.parameters].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const values = variable.dataSync();
    hash.update(`${name} ${variable.shape.join(",")}\0`);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest("hex").slice(0, 16);
}

/**
 * Check that features may be compared with others.
 *
 * @param name What the message calls them, such as a file.
 * @param otherName What it calls the others.
 * @throws UserError where they are of another model, or have another number of values
 */
export function checkComparable(
  one: Pick<Embedding, "source" | "width">,
  other: Pick<Embedding, "source" | "width">,
  name: string,
  otherName: string,
): void {
  const called = ({ source: { model, weights } }: Pick<Embedding, "source">) =>
    `${model} with the weights ${weights}`;
  if (called(one) !== called(other)) {
    throw new UserError(
      `${name} holds features of ${called(one)}; those of ${otherName} are of ${called(other)}`,
      "embed both with one model",
    );
  }
  if (one.width !== other.width) {
    throw new UserError(
      `${name} has ${one.width} numbers a galaxy; ${otherName} has ${other.width}`,
      "embed both with one model and one version of this program",
    );
  }
}

/** Write the ids of galaxies, one a row, beside what is kept of them. */
export function writeIds(path: string, ids: readonly string[]): void {
  writeFileAtomic(
    path,
    formatCsv(
      ["id"],
      ids.map((id) => [id]),
    ),
  );
}

/** Read what {@link writeIds} wrote. @throws UserError when it is not there, or damaged */
export async function readIds(path: string): Promise<string[]> {
  const { columns } = await readCsv(path, { id: "text" });
  return Array.from(columns.id, String);
}

/** The features of some rows. */
export function embeddingRows(embedding: Embedding, rows: ArrayLike<number>): Embedding {
  const { ids, values, width, source } = embedding;
  const own = matrixRows(values, rows, width);
  return { ids: Array.from(rows, (row) => ids[row]), values: own, width, source };
}
