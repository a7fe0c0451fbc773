import { UserError } from "./errors";

/** One of several parts of a long list, each of rows that follow each other. */
export interface Shard {
  /** Which part, from 1. */
  readonly index: number;
  /** How many parts there are. */
  readonly count: number;
}

/**
 * Read a part as the command line names it: `3/50` is the third of fifty.
 *
 * @throws UserError when it is not `k/n` with 1 ≤ k ≤ n
 */
export function parseShard(text: string): Shard {
  const [, index, count] = (/^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count) return { index, count };
  throw new UserError(
    `--shard is "${text}"; expected k/n with k from 1 to n`,
    "give for example --shard 1/50",
  );
}

/**
 * Which of `total` rows a part holds. Parts differ by one row at most, and together they are all rows.
 *
 * @returns the first row, and the one after the last
 */
export function shardRange(total: number, { index, count }: Shard): [from: number, to: number] {
  return [Math.floor(((index - 1) * total) / count), Math.floor((index * total) / count)];
}

/**
 * As {@link shardRange}, of what has rows for each part.
 *
 * @param source The file or data set, for messages.
 * @throws UserError when the part has no rows
 */
export function shardOf(source: string, total: number, shard: Shard): [number, number] {
  const [from, to] = shardRange(total, shard);
  if (from < to) return [from, to];
  throw new UserError(
    `${source}: the part ${shard.index}/${shard.count} of ${total} rows is empty.`,
    "Take as many parts as there are rows, or fewer.",
  );
}
