import { readFile } from "node:fs/promises";
import { systemError } from "../core/system-errors";
import { writeFileAtomic } from "../io/atomic";
import { readTable } from "../io/table-file";
import type { Predictions } from "./predictions";
import {
  formatPredictions,
  parsePredictions,
  type TruthColumns,
  truthReader,
} from "./predictions-csv";
import type { Truth } from "./truth";

/** Write a prediction table; see {@link formatPredictions}. */
export async function writePredictions(path: string, predictions: Predictions): Promise<void> {
  writeFileAtomic(path, formatPredictions(predictions));
}

/** Read a prediction table; see {@link parsePredictions}. */
export async function readPredictions(
  path: string,
  options?: Parameters<typeof parsePredictions>[2],
): Promise<Predictions> {
  return parsePredictions(await readText(path, "a prediction table"), path, options);
}

/** Read true classes, of a CSV or a Parquet file; see `parseTruth`. */
export async function readTruth(path: string, columns?: TruthColumns): Promise<Truth> {
  const { wanted, truthOf } = truthReader(path, columns);
  return truthOf(await readTable(path, wanted));
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw systemError(cause, path, `cannot be read as ${what} (CSV)`);
  }
}
