import { UserError } from "./errors";

/** An id as it is compared: `58957.0`, which some programs make of a whole number, is `58957`. */
export function idKey(id: string | number): string {
  return String(id)
    .trim()
    .replace(/^([+-]?\d+)\.0+$/, "$1");
}

/**
 * The row of each id, by its {@link idKey}.
 *
 * @param source Name of the table, for messages.
 * @param rowNumber How messages number the rows. Default: from 1.
 * @throws UserError naming the row of an id that is empty, or both rows of one that is there twice
 */
export function rowsById(
  ids: ArrayLike<string | number>,
  source: string,
  rowNumber = (row: number) => row + 1,
): Map<string, number> {
  const rowOf = new Map<string, number>();
  for (let row = 0; row < ids.length; row++) {
    const key = idKey(ids[row]);
    const before = rowOf.get(key);
    if (key === "" || before !== undefined) {
      const what =
        before === undefined
          ? "the id is empty"
          : `the id "${ids[row]}" is there already, in row ${rowNumber(before)}`;
      throw new UserError(
        `${source}, row ${rowNumber(row)}: ${what}`,
        "Give each galaxy an id of its own, and one row.",
      );
    }
    rowOf.set(key, row);
  }
  return rowOf;
}
