import { UserError } from "../core/errors";
import { rowsById } from "../core/ids";
import { matchNames } from "../core/names";
import { asNumbers, asText } from "../core/table";
import { type DecisionTree, treeAnswers } from "../data/decision-tree";
import { type ColumnType, type CsvTable, parseCsv } from "../io/csv-table";
import { formatCsv } from "../io/csv-text";
import { createVotePredictions, type VotePredictions } from "./vote-predictions";

/** What stands behind a name in the columns of what volunteers said, and of how many were asked. */
const [TRUE, ASKED] = ["_true", "_asked"];

/** What stands behind a question's name in the column of its strength. */
export const STRENGTH = "_strength";

/**
 * Votes → CSV: `id,<answer>…`, with strengths `<question>_strength…` and, where anything is known of the
 * galaxies, `<answer>_true…,<question>_asked…`. A value that is not known is empty.
 */
export function formatVotePredictions(table: VotePredictions): string {
  const { ids, answers, questions, values, strengths, truth, asked } = table;
  const names = questions.map(({ name }) => name);
  const known = truth.some((value) => !Number.isNaN(value));
  const blocks: { header: string[]; values: Float64Array }[] = [{ header: [...answers], values }];
  if (strengths) blocks.push({ header: names.map((name) => name + STRENGTH), values: strengths });
  if (known) blocks.push({ header: answers.map((name) => name + TRUE), values: truth });
  if (known && asked) blocks.push({ header: names.map((name) => name + ASKED), values: asked });
  const rows = ids.map((id, row) => [
    id,
    ...blocks.flatMap(({ header, values }) => {
      const own = values.subarray(row * header.length, (row + 1) * header.length);
      return Array.from(own, (value) => (Number.isNaN(value) ? "" : value));
    }),
  ]);
  return formatCsv(["id", ...blocks.flatMap(({ header }) => header)], rows);
}

/**
 * The votes that a CSV holds, its columns matched by name.
 *
 * @param file For messages.
 * @throws UserError naming the answers without a column, or file, row and value
 */
export function parseVotePredictions(
  text: string,
  file: string,
  questions: DecisionTree,
): VotePredictions {
  const { wanted, votesOf } = votePredictionsReader(file, questions);
  return votesOf(parseCsv(text, file, wanted));
}

type Found = Record<"values" | "strengths" | "truth" | "asked", readonly string[]>;

/** Which columns {@link parseVotePredictions} wants of a table, and what it makes of them. */
export function votePredictionsReader(file: string, questions: DecisionTree) {
  const answers = treeAnswers(questions);
  const names = questions.map(({ name }) => name);
  let found: Found = { values: [], strengths: [], truth: [], asked: [] };
  const wanted = (header: readonly string[]): Record<string, ColumnType> => {
    const columnsOf = (wanted: readonly string[]) => {
      const columns = Array.from(matchNames(wanted, header), (at) => header[at]);
      return columns.includes(undefined as never) ? [] : columns;
    };
    found = {
      values: columnsOf(answers),
      strengths: columnsOf(names.map((name) => name + STRENGTH)),
      truth: columnsOf(answers.map((name) => name + TRUE)),
      asked: columnsOf(names.map((name) => name + ASKED)),
    };
    if (found.values.length === 0) {
      const missing = answers.filter((name) => !header.includes(name));
      throw new UserError(
        `${file} has no columns ${missing.slice(0, 5).join(", ")}${missing.length > 5 ? ", …" : ""}`,
        "give a table of predictions about the same questions: id,<answer>…",
      );
    }
    const numbers = Object.values(found).flat();
    return {
      id: "text",
      ...Object.fromEntries(numbers.map((name) => [name, "number" as const])),
    };
  };
  return { wanted, votesOf: (csv: CsvTable) => votePredictionsOf(csv, found, file, questions) };
}

function votePredictionsOf(
  csv: CsvTable,
  found: Found,
  file: string,
  questions: DecisionTree,
): VotePredictions {
  if (csv.size === 0) {
    throw new UserError(`${file}: a header, but no rows`, "give a table of predictions");
  }
  const read = (columns: readonly string[]) => {
    if (columns.length === 0) return undefined;
    const all = columns.map((name) => asNumbers(csv.columns[name]));
    const width = columns.length;
    return Float64Array.from(
      { length: csv.size * width },
      (_, i) => all[i % width][Math.floor(i / width)],
    );
  };
  const values = read(found.values) ?? new Float64Array();
  const strengths = read(found.strengths);
  const asked = read(found.asked);
  const ids = asText(csv.columns.id);
  rowsById(ids, file, csv.rowNumber);
  return createVotePredictions(
    {
      questions,
      ids,
      values,
      truth: read(found.truth) ?? values.map(() => Number.NaN),
      ...(strengths && { strengths }),
      ...(asked && { asked }),
    },
    file,
  );
}
