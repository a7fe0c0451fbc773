import { createHash } from "node:crypto";
import { UserError } from "../core/errors";
import { asText, type Table } from "../core/table";
import { csvHeader, readCsv } from "../io/csv";
import { openParquet, type ParquetFile } from "../io/parquet-read";
import { type StoredType, writeParquet } from "../io/parquet-write";
import { checkPart, otherColumns } from "./collect-shards";
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

/** Columns of a table of answers that are text; the others are numbers. */
const TEXT = ["id", "label", "predicted"];

/**
 * Join the parts of a table of answers, which are CSV, into a Parquet file; a part is in memory.
 *
 * @param out The Parquet file that they become.
 * @returns how many rows it has
 * @throws UserError naming the part that lacks rows, has others, or has other columns; nothing is written then
 */
export async function collectAsParquet({ units }: Plan, out: string): Promise<number> {
  const header = await csvHeader(units[0].output);
  const isText = (name: string) => TEXT.includes(name);
  async function* pieces(): AsyncGenerator<Table> {
    for (const unit of units) {
      const part = await readCsv(unit.output, (own) => {
        if (own.join() !== header.join()) throw otherColumns(unit, units[0]);
        return Object.fromEntries(own.map((name) => [name, isText(name) ? "text" : "number"]));
      });
      const hash = createHash("sha256");
      for (const id of part.columns.id) hash.update(`${id}\n`);
      checkPart(unit, part.size, hash.digest("hex"));
      yield part.columns;
    }
  }
  const types = header.map((name) => [name, isText(name) ? "text" : "float32"] as const);
  return writeParquet(out, Object.fromEntries(types), pieces());
}

async function opened<T>({ output }: Unit, use: (file: ParquetFile) => T): Promise<T> {
  const file = await openParquet(output);
  try {
    return use(file);
  } finally {
    await file.close();
  }
}
