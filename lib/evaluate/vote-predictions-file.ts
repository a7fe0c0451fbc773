import { UserError } from "../core/errors";
import { idKey, rowsById } from "../core/ids";
import { asText } from "../core/table";
import { type DecisionTree, treeAnswers } from "../data/decision-tree";
import { readVoteColumns } from "../data/read-votes";
import { decisionTrees, openTree } from "../data/trees";
import { findVoteColumns, type VoteKind } from "../data/vote-columns";
import { readTable, tableHeader } from "../io/table-file";
import type { VotePredictions } from "./vote-predictions";
import { votePredictionsReader } from "./vote-predictions-csv";

/** How a table of votes is read. */
export interface ReadVotePredictionsOptions {
  /** Name of a decision tree, or a YAML file. Default: the tree whose answers all have a column. */
  readonly tree?: string;
  /** A table of what volunteers said, CSV or Parquet, joined by id. Default: the table's own columns `<answer>_true`. */
  readonly truth?: string;
  /** Which votes of that table. Default: debiased ones where there are any. */
  readonly votes?: VoteKind;
}

/** Whether a CSV is a table of votes and not of classes: by its header. */
export async function isVoteTable(path: string): Promise<boolean> {
  const header = await tableHeader(path);
  return treeOf(header) !== undefined;
}

function treeOf(header: readonly string[]): DecisionTree | undefined {
  return Object.values(decisionTrees).find((tree) =>
    treeAnswers(tree).every((answer) => header.includes(answer)),
  );
}

/**
 * Read a table of predicted votes.
 *
 * @throws UserError naming file, column and value; where no tree fits, and where none of the galaxies is
 * in the truth
 */
export async function readVotePredictions(
  path: string,
  { tree, truth, votes }: ReadVotePredictionsOptions = {},
): Promise<VotePredictions> {
  const header = await tableHeader(path);
  const questions = tree === undefined ? treeOf(header) : await openTree(tree);
  if (questions === undefined) {
    throw new UserError(
      `${path} has not the answers of any of the trees ${Object.keys(decisionTrees).join(", ")}`,
      "say which questions it is about: the name of a tree, or a YAML file",
    );
  }
  const { wanted, votesOf } = votePredictionsReader(path, questions);
  const table = votesOf(await readTable(path, wanted));
  return truth === undefined ? table : withTrueVotes(table, truth, votes);
}

async function withTrueVotes(
  table: VotePredictions,
  file: string,
  kind?: VoteKind,
): Promise<VotePredictions> {
  const header = await tableHeader(file);
  const voted = findVoteColumns(file, header, [table.questions], kind);
  const id = header.includes("id") ? "id" : "asset_id";
  if (voted === undefined) throw new UserError(`${file} has no votes`, "give a table of votes");
  const csv = await readTable(file, { ...voted.wanted, [id]: "text" });
  const rows = Array.from({ length: csv.size }, (_, row) => row);
  const { fractions, asked } = readVoteColumns(file, csv, rows, voted).votes;
  const rowOf = rowsById(asText(csv.columns[id]), file, csv.rowNumber);
  if (!table.ids.some((one) => rowOf.has(idKey(one)))) {
    throw new UserError(
      `none of the predicted galaxies (${table.ids[0]}, …) is in ${file}`,
      "give the votes of the same galaxies",
    );
  }
  const join = (values: Float64Array, width: number, none: number) =>
    Float64Array.from({ length: table.ids.length * width }, (_, i) => {
      const row = rowOf.get(idKey(table.ids[Math.floor(i / width)]));
      return row === undefined ? none : values[row * width + (i % width)];
    });
  const { asked: _, ...others } = table;
  return {
    ...others,
    truth: join(fractions, table.answers.length, Number.NaN),
    ...(asked && { asked: join(asked, table.questions.length, 0) }),
  };
}
