import { existsSync } from "node:fs";
import { asText } from "../core/table";
import { sha256 } from "../io/digests";
import { openCheckpoint } from "../train/checkpoint";
import { askModel, askOptions } from "./ask-model";
import type { NamedModel } from "./named-model";
import { readOptions } from "./options";
import type { Options, Values } from "./verb";

/** A verb whose work can be done in parts. */
interface ShardedVerb {
  /** Ending of the files that it writes. */
  readonly ending: string;
  /** What it is about, of its arguments without `--out` and `--shard`. */
  rows(name: string, args: readonly string[]): Promise<ShardedRows>;
}

/** What a call is about. */
export interface ShardedRows {
  /** In their order. */
  readonly ids: readonly string[];
  /** Digests of what the answers depend on. */
  readonly inputs: readonly string[];
}

const { shard: _, ...options } = askOptions;

/** Verbs that take `--shard`, by name. */
export const shardedVerbs: Readonly<Record<string, ShardedVerb>> = {
  predict: {
    ending: "csv",
    async rows(name, args) {
      const { values } = readOptions(name, { options: options as Options }, args);
      const asked = { ...(values as Values<typeof options>), shard: undefined };
      return askModel(asked, async ({ named, dataset, rows }) => {
        const ids = asText(dataset.table.id);
        return { ids: Array.from(rows, (row) => ids[row]), inputs: await digests(named, asked) };
      });
    },
  },
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
