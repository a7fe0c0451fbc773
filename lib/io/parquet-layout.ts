import type { FileMetaData } from "hyparquet";
import { z } from "zod";
import { UserError } from "../core/errors";

/** More rows of a group are not held in memory at once; what writes Parquet makes groups of a million or so. */
const MOST_ROWS = 2n ** 25n;

/** The library reads the file's end without asking whether each part is of its kind. */
const layoutSchema = z.object({
  num_rows: z.bigint(),
  row_groups: z.array(
    z.object({
      num_rows: z.bigint().min(0n),
      columns: z.array(
        z.object({
          meta_data: z
            .object({
              path_in_schema: z.array(z.string()),
              codec: z.string().optional(),
              data_page_offset: z.bigint(),
              dictionary_page_offset: z.bigint().optional(),
              total_compressed_size: z.bigint(),
            })
            .optional(),
        }),
      ),
    }),
  ),
  key_value_metadata: z
    .array(z.object({ key: z.string(), value: z.string().optional() }))
    .optional(),
});

/**
 * What the file says of where its columns lie must fit into it: nothing is believed before.
 *
 * @param size Of the file, bytes.
 * @throws UserError when it does not
 */
export function checkLayout(path: string, metadata: FileMetaData, size: number): void {
  const layout = layoutSchema.safeParse(metadata);
  if (!layout.success) damaged(path, `no ${layout.error.issues[0].path.join(".")}`);
  const { num_rows, row_groups } = layout.data;
  let rows = 0n;
  for (const group of row_groups) {
    rows += group.num_rows;
    if (group.num_rows > MOST_ROWS) {
      throw new UserError(
        `${path}: a row group has ${group.num_rows} rows, more than the ${MOST_ROWS} allowed`,
        "write the file with smaller row groups, or anew if it is damaged",
      );
    }
    for (const { meta_data } of group.columns) {
      const start = meta_data?.dictionary_page_offset ?? meta_data?.data_page_offset ?? -1n;
      const end = start + (meta_data?.total_compressed_size ?? 0n);
      if (start < 0n || end < start || end > BigInt(size)) damaged(path, "a column lies outside");
      // A value takes some bytes, were it of a dictionary: more rows than this are a slip of a digit.
      if (group.num_rows > BigInt(size) * 65_536n) damaged(path, "it has too many rows");
    }
  }
  if (rows !== num_rows) damaged(path, `it has ${rows} rows and says ${num_rows}`);
}

/** @throws UserError that says so, and why */
export function damaged(path: string, why: string, cause?: unknown): never {
  throw new UserError(`${path} is damaged (${why})`, "copy or write it again", { cause });
}
