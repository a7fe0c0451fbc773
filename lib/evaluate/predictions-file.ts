import { writeFileAtomic } from "../io/atomic";
import { readTable } from "../io/table-file";
import type { Predictions } from "./predictions";
import {
  formatPredictions,
  type PredictionsCsvOptions,
  predictionsReader,
  type TruthColumns,
  truthReader,
} from "./predictions-csv";
import type { Truth } from "./truth";

/** Write a prediction table; see {@link formatPredictions}. */
export async function writePredictions(path: string, predictions: Predictions): Promise<void> {
  writeFileAtomic(path, formatPredictions(predictions));
}

/** Read a prediction table, of a CSV or a Parquet file; see `parsePredictions`. */
export async function readPredictions(
  path: string,
  options?: PredictionsCsvOptions,
): Promise<Predictions> {
  const { wanted, predictionsOf } = predictionsReader(path, options);
  return predictionsOf(await readTable(path, wanted));
}

/** Read true classes, of a CSV or a Parquet file; see `parseTruth`. */
export async function readTruth(path: string, columns?: TruthColumns): Promise<Truth> {
  const { wanted, truthOf } = truthReader(path, columns);
  return truthOf(await readTable(path, wanted));
}
