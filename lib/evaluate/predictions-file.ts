import { readFile } from "node:fs/promises";
import { systemError } from "../core/system-errors";
import { writeFileAtomic } from "../io/atomic";
import type { Predictions } from "./predictions";
import { formatPredictions, parsePredictions, parseTruth } from "./predictions-csv";
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

/** Read true classes; see {@link parseTruth}. */
export async function readTruth(
  path: string,
  options?: Parameters<typeof parseTruth>[2],
): Promise<Truth> {
  return parseTruth(await readText(path, "a table of true classes"), path, options);
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw systemError(cause, path, `cannot be read as ${what} (CSV)`);
  }
}
