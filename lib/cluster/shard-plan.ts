import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors";
import { shardRange } from "../core/shard";
import { type PlanParts, unitKey } from "./plan";

/** A table that a call of `tuning-fork` makes, in parts. */
export interface ShardedCall {
  /** The call without `--out` and `--shard`, such as `predict --run RUN --data SPEC`. */
  readonly args: readonly string[];
  /** Ids of the rows that it is about, in their order. */
  readonly ids: readonly string[];
  /** What else its answers depend on, such as digests of files. As JSON. */
  readonly inputs: unknown;
  /** Ending of the parts' names, such as `csv`. */
  readonly ending: string;
}

/** What a plan of parts keeps. */
export const shardSettings = z.strictObject({
  /** How many rows all parts have. */
  rows: z.int().positive(),
  /** Ending of the parts' names. */
  ending: z.string(),
});

/**
 * Parts of a table as units of a plan.
 *
 * @param folder The plan's: parts come into `parts/`.
 * @param shards How many parts.
 * @throws UserError when there are more parts than rows
 */
export function shardPlan(
  { args, ids, inputs, ending }: ShardedCall,
  shards: number,
  folder: string,
): PlanParts {
  if (shards > ids.length) {
    throw new UserError(
      `${ids.length} galaxies make no ${shards} parts`,
      `give --shards ${ids.length} or fewer`,
    );
  }
  const digits = String(shards).length;
  const units = Array.from({ length: shards }, (_, i) => {
    const [from, to] = shardRange(ids.length, { index: i + 1, count: shards });
    const rows = { count: to - from, ids: idsDigest(ids, from, to) };
    const name = `shard-${String(i + 1).padStart(digits, "0")}-of-${shards}`;
    const output = join(folder, "parts", `${name}.${ending}`);
    const call = [...args, "--shard", `${i + 1}/${shards}`, "--out", output];
    return { name, args: call, output, rows, key: unitKey(call, { inputs, rows }) };
  });
  return { kind: "shards", settings: { rows: ids.length, ending }, units };
}

function idsDigest(ids: readonly string[], from: number, to: number): string {
  const hash = createHash("sha256");
  for (let row = from; row < to; row++) hash.update(`${ids[row]}\n`);
  return hash.digest("hex");
}
