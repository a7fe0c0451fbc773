import { UserError } from "../core/errors";
import { rowsById } from "../core/ids";
import { asNumbers, asText } from "../core/table";
import { type ColumnType, type CsvTable, parseCsv } from "../io/csv-table";
import { formatCsv } from "../io/csv-text";
import type { VoteFractions } from "./votes";

/** Vote fractions → CSV: `id,<answer>…`, empty where nobody was asked. */
export function formatVotes({ answers, ids, values }: VoteFractions): string {
  const k = answers.length;
  const rows = ids.map((id, i) => [
    id,
    ...Array.from(values.subarray(i * k, (i + 1) * k), (v) => (Number.isNaN(v) ? "" : v)),
  ]);
  return formatCsv(["id", ...answers], rows);
}

/**
 * CSV with the header `id,<answer>…` → vote fractions.
 *
 * @param file Its name, for messages.
 * @throws UserError naming file, row and value where a value is not in [0, 1], or an id is there twice.
 */
export function parseVotes(text: string, file: string): VoteFractions {
  return votesOf(parseCsv(text, file, voteFractionColumns), file);
}

/** Which columns {@link parseVotes} wants of a table: all. */
export function voteFractionColumns(header: readonly string[]): Record<string, ColumnType> {
  return { ...Object.fromEntries(header.map((name) => [name, "number"] as const)), id: "text" };
}

/** What {@link parseVotes} makes of these columns. @throws UserError as it does */
export function votesOf(csv: CsvTable, file: string): VoteFractions {
  const remedy = "A table of vote fractions has the columns id,<answer>…, values from 0 to 1.";
  const answers = csv.header.filter((name) => name !== "id");
  if (answers.length === 0 || csv.size === 0)
    throw new UserError(`${file}: the header is "${csv.header.join(",").slice(0, 200)}"`, remedy);
  const values = new Float64Array(csv.size * answers.length);
  answers.forEach((answer, a) => {
    asNumbers(csv.columns[answer]).forEach((value, r) => {
      if (value < 0 || value > 1)
        throw new UserError(`${file}, row ${csv.rowNumber(r)}: ${answer} is ${value}`, remedy);
      values[r * answers.length + a] = value;
    });
  });
  const ids = asText(csv.columns.id);
  rowsById(ids, file, csv.rowNumber);
  return { answers, ids, values };
}
