import { writeFileAtomic } from "../io/atomic";
import { readTable } from "../io/table-file";
import type { VoteFractions } from "./votes";
import { formatVotes, voteFractionColumns, votesOf } from "./votes-csv";

/** Write vote fractions; see {@link formatVotes}. */
export async function writeVotes(path: string, votes: VoteFractions): Promise<void> {
  writeFileAtomic(path, formatVotes(votes));
}

/** Read vote fractions, of a CSV or a Parquet file; see `parseVotes`. */
export async function readVotes(path: string): Promise<VoteFractions> {
  return votesOf(await readTable(path, voteFractionColumns), path);
}
