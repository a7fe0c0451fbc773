import { existsSync } from "node:fs";
import { type PartRows, partsOfIds, partsOfTable } from "../cluster/part-rows";
import { asText } from "../core/table";
import { sha256 } from "../io/digests";
import { findPath } from "../io/paths";
import { openCheckpoint } from "../train/checkpoint";
import { askModel, askOptions } from "./ask-model";
import { float16 } from "./embed-verb";
import type { NamedModel } from "./named-model";
import { readOptions } from "./options";
import type { Options, Values } from "./verb";

/** A verb whose work can be done in parts. */
interface ShardedVerb {
  /** Ending of the files that it writes. */
  readonly ending: string;
  /** What it is about, of its arguments without `--out` and `--shard`. */
  rows(name: string, args: readonly string[], shards: number): Promise<ShardedRows>;
}

/** What a call is about. */
export interface ShardedRows {
  /** What each part is about. */
  readonly parts: readonly PartRows[];
  /** Digests of what the answers depend on. */
  readonly inputs: readonly string[];
}

const { shard: _, ...options } = askOptions;

const rowsOf =
  (own: Options = {}) =>
  async (name: string, args: readonly string[], shards: number): Promise<ShardedRows> => {
    const { values } = readOptions(name, { options: { ...options, ...own } }, args);
    const asked = values as Values<typeof options>;
    // Of a long catalog the first part alone is opened: that shows whether the units will work.
    return askModel({ ...asked, shard: `1/${shards}` }, async ({ named, dataset, all }) => {
      const inputs = await digests(named, asked);
      if (all === undefined)
        return { parts: await partsOfTable(findPath(asked.data), shards), inputs };
      const ids = asText(dataset.table.id);
      return {
        parts: partsOfIds(
          Array.from(all, (row) => ids[row]),
          shards,
        ),
        inputs,
      };
    });
  };

/** Verbs that take `--shard`, by name. */
export const shardedVerbs: Readonly<Record<string, ShardedVerb>> = {
  predict: { ending: "csv", rows: rowsOf() },
  embed: { ending: "parquet", rows: rowsOf({ float16 }) },
};

/** Of the files that hold the model. */
async function digests({ trained }: NamedModel, { weights }: { weights?: string }) {
  const run = trained?.run;
  const best = run && openCheckpoint(run.bestPath)?.files.model;
  const files = [weights, best, run?.metricsPath].filter(
    (file) => file !== undefined && existsSync(file),
  );
  return Promise.all(files.map((file = "") => sha256(file)));
}
