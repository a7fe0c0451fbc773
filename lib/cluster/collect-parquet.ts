import { createHash } from "node:crypto";
import { UserError } from "../core/errors";
import { asText, type Table } from "../core/table";
import { openParquet, type ParquetFile } from "../io/parquet-read";
import { type StoredType, writeParquet } from "../io/parquet-write";
import { checkPart } from "./collect-shards";
import type { Plan, Unit } from "./plan";

/**
 * Join the parts of a table of features, each galaxy once, in the order of the galaxies; a row group is in
 * memory.
 *
 * @param out The Parquet file that they become.
 * @returns how many rows it has
 * @throws UserError naming the part that lacks rows, has others, or is of another model; nothing is written then
 */
export async function collectParquet({ units }: Plan, out: string): Promise<number> {
  const first = await opened(units[0], ({ header, metadata }) => ({ header, metadata }));
  const half = units[0].args.includes("--float16");
  const stored = (name: string): StoredType =>
    name === "id" ? "text" : half ? "float16" : "float32";
  const columns = Object.fromEntries(first.header.map((name) => [name, stored(name)] as const));
  const note = JSON.stringify(first);
  async function* pieces(): AsyncGenerator<Table> {
    for (const unit of units) {
      const file = await openParquet(unit.output);
      try {
        const { header, metadata } = file;
        if (JSON.stringify({ header, metadata }) !== note) {
          throw new UserError(
            `${unit.output} holds features of another model than ${units[0].output}`,
            "remove both and submit the plan again",
          );
        }
        const hash = createHash("sha256");
        const wanted = Object.fromEntries(
          header.map((name) => [name, name === "id" ? ("text" as const) : ("number" as const)]),
        );
        for await (const group of file.groups(wanted)) {
          for (const id of asText(group.columns.id)) hash.update(`${id}\n`);
          yield group.columns;
        }
        checkPart(unit, file.size, hash.digest("hex"));
      } finally {
        await file.close();
      }
    }
  }
  return writeParquet(out, columns, pieces(), { metadata: first.metadata });
}

async function opened<T>({ output }: Unit, use: (file: ParquetFile) => T): Promise<T> {
  const file = await openParquet(output);
  try {
    return use(file);
  } finally {
    await file.close();
  }
}
