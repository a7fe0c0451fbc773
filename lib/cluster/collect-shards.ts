import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../core/errors";
import { atomicPath } from "../io/atomic";
import { eachRow } from "../io/csv";
import { csvLine } from "../io/csv-text";
import { collectAsParquet, collectParquet } from "./collect-parquet";
import type { Plan, Unit } from "./plan";
import type { PlanKind } from "./plan-kind";
import { shardSettings } from "./shard-plan";

/** Text is written in pieces of so many characters. */
const PIECE = 1 << 18;

/**
 * Join the parts of a table, each row once, in the order of the galaxies. However long the table is, a few
 * rows are in memory.
 *
 * @param out The CSV that they become.
 * @returns how many rows it has
 * @throws UserError naming the part that lacks rows, has others, or has other columns; nothing is written then
 */
export async function collectShards({ units }: Plan, out: string): Promise<number> {
  return atomicPath(out, async (temporary) => {
    const file = openSync(temporary, "w");
    try {
      let header: string | undefined;
      let rows = 0;
      for (const unit of units) {
        const found = await copyPart(unit, file, header);
        if (header !== undefined && header !== found.header) throw otherColumns(unit, units[0]);
        header = found.header;
        rows += found.rows;
      }
      return rows;
    } finally {
      closeSync(file);
    }
  });
}

/** Copy a part's rows, and its header where none was written yet. */
async function copyPart(
  unit: Unit,
  file: number,
  before?: string,
): Promise<{ readonly header: string; readonly rows: number }> {
  const hash = createHash("sha256");
  let count = 0;
  let header: string | undefined;
  let idColumn = 0;
  let text = "";
  await eachRow(unit.output, (cells) => {
    const line = `${csvLine(cells)}\n`;
    if (header !== undefined) {
      hash.update(`${cells[idColumn]}\n`);
      count++;
    } else idColumn = cells.indexOf("id");
    if (header !== undefined || before === undefined) text += line;
    header ??= line;
    if (text.length < PIECE) return undefined;
    writeSync(file, text);
    text = "";
    return undefined;
  });
  writeSync(file, text);
  checkPart(unit, count, hash.digest("hex"));
  return { header: header ?? "", rows: count };
}

/**
 * Compare what a part holds with what it was made for.
 *
 * @param count Its rows.
 * @param ids SHA-256 of their ids, each followed by a line's end.
 * @throws UserError when it is cut off, or about others
 */
export function checkPart({ rows, output, name }: Unit, count: number, ids: string): void {
  if (rows === undefined || (count === rows.count && ids === rows.ids)) return;
  throw new UserError(
    count === rows.count
      ? `${output} is not about the galaxies of ${name}`
      : `${output} has ${count} galaxies of the ${rows.count} of ${name}: it was cut off, or is another`,
    "remove it and submit the plan again",
  );
}

/** Why two parts cannot become one table. */
export function otherColumns(part: Unit, first: Unit): UserError {
  return new UserError(
    `${part.output} has other columns than ${first.output}`,
    "the parts are of different models: remove them and submit the plan again",
  );
}

/** What becomes of parts: one table. */
export const shards: PlanKind = {
  async collect({ path }, plan, given) {
    const { ending } = shardSettings.parse(plan.settings);
    const areFeatures = ending === "parquet";
    const out = given ?? join(path, areFeatures ? "features.parquet" : "predictions.csv");
    const asParquet = out.endsWith(".parquet");
    if (!asParquet && (areFeatures || !out.endsWith(".csv"))) {
      const endings = areFeatures ? ".parquet" : ".csv or .parquet";
      throw new UserError(`${out} does not end in ${endings}`, "name the file by what it shall be");
    }
    const toParquet = areFeatures ? collectParquet : collectAsParquet;
    const rows = await (asParquet ? toParquet : collectShards)(plan, out);
    return { files: [out], says: `${rows} galaxies, each once` };
  },
};
