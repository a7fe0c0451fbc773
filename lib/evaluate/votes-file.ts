import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../io/atomic";
import type { VoteFractions } from "./votes";
import { formatVotes, parseVotes } from "./votes-csv";

/** Write vote fractions; see {@link formatVotes}. */
export async function writeVotes(path: string, votes: VoteFractions): Promise<void> {
  writeFileAtomic(path, formatVotes(votes));
}

/** Read vote fractions; see {@link parseVotes}. */
export async function readVotes(path: string): Promise<VoteFractions> {
  return parseVotes(await readFile(path, "utf8"), path);
}
