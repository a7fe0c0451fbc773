import { join } from "node:path";
import { z } from "zod";
import type { PartRows } from "./part-rows";
import { type PlanParts, unitKey } from "./plan";

/** A table that a call of `tuning-fork` makes, in parts. */
export interface ShardedCall {
  /** The call without `--out` and `--shard`, such as `predict --run RUN --data SPEC`. */
  readonly args: readonly string[];
  /** What each part is about, in the order of the table. */
  readonly parts: readonly PartRows[];
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
 */
export function shardPlan({ args, parts, inputs, ending }: ShardedCall, folder: string): PlanParts {
  const digits = String(parts.length).length;
  const units = parts.map((rows, i) => {
    const name = `shard-${String(i + 1).padStart(digits, "0")}-of-${parts.length}`;
    const output = join(folder, "parts", `${name}.${ending}`);
    const call = [...args, "--shard", `${i + 1}/${parts.length}`, "--out", output];
    return { name, args: call, output, rows, key: unitKey(call, { inputs, rows }) };
  });
  const rows = parts.reduce((sum, { count }) => sum + count, 0);
  return { kind: "shards", settings: { rows, ending }, units };
}
