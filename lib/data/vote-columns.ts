import { UserError } from "../core/errors";
import type { ColumnType } from "../io/csv-table";
import { type DecisionTree, partOfTree, treeAnswers } from "./decision-tree";

/**
 * Which votes of a catalog are meant: `debiased` for distance, or `cast`: as the volunteers gave them,
 * in counts where the catalog has them, else in fractions (weighted by skill, if it has those).
 */
export type VoteKind = "debiased" | "cast";

/** What follows an answer's name in the columns of catalogs, the better ones first. */
const endings: Readonly<Record<VoteKind, readonly string[]>> = {
  debiased: ["_debiased"],
  cast: ["_count", "_weighted_fraction", "_fraction", ""],
};

/** Column that says how many looked at a galaxy at all. */
export const TOTAL = "total_classifications";

/** Which columns of a catalog hold votes. */
export interface VoteColumns {
  /** What the votes are about. */
  readonly tree: DecisionTree;
  /** Which votes. */
  readonly kind: VoteKind;
  /** Column of each answer. */
  readonly columns: readonly string[];
  /** Columns of votes as they were cast, from which the number of those asked is rebuilt, if they are not `columns` themselves. */
  readonly cast?: readonly string[];
  /** All of them, and how they are read. */
  readonly wanted: Readonly<Record<string, ColumnType>>;
}

/**
 * Find the columns of votes in a header.
 *
 * @param trees Trees to try: the first of which the header has a question. Of a tree that is the only
 * one, every answer must be there.
 * @param kind Which votes. Default: debiased ones where there are any.
 * @returns undefined where no tree fits
 * @throws UserError naming the answers that are missing
 */
export function findVoteColumns(
  file: string,
  header: readonly string[],
  trees: readonly DecisionTree[],
  kind?: VoteKind,
): VoteColumns | undefined {
  const kinds = kind === undefined ? (["debiased", "cast"] as const) : [kind];
  const columnOf = (answer: string, of: VoteKind) =>
    endings[of].map((ending) => answer + ending).find((column) => header.includes(column));
  for (const tree of trees) {
    for (const own of kinds) {
      const part = partOfTree(tree, (answer) => columnOf(answer, own) !== undefined);
      if (part.length === 0) continue;
      const missing = treeAnswers(tree).filter((answer) => columnOf(answer, own) === undefined);
      if (trees.length === 1 && missing.length > 0) throw lacking(file, missing, own);
      const answers = treeAnswers(part);
      const columns = answers.map((answer) => columnOf(answer, own) ?? "");
      const cast = answers.map((answer) => columnOf(answer, "cast") ?? "");
      const totals = header.includes(TOTAL) ? [TOTAL] : [];
      const more = own === "debiased" && !cast.includes("") ? cast : [];
      const all = [...columns, ...more, ...totals, ...totalColumns(part, header)];
      return {
        tree: part,
        kind: own,
        columns,
        ...(more.length > 0 ? { cast: more } : {}),
        wanted: Object.fromEntries(all.map((column) => [column, "number"])),
      };
    }
  }
  if (trees.length > 1) return undefined;
  throw lacking(file, treeAnswers(trees[0]), kind ?? "cast");
}

/** Columns that say how many were asked a question. */
function totalColumns(tree: DecisionTree, header: readonly string[]): string[] {
  return tree.map(({ name }) => `${name}_total-votes`).filter((column) => header.includes(column));
}

function lacking(file: string, answers: readonly string[], kind: VoteKind): UserError {
  const some = answers.slice(0, 5).join(", ") + (answers.length > 5 ? ", …" : "");
  return new UserError(
    `${file}: ${answers.length} answers of the tree have no column: ${some}`,
    kind === "debiased"
      ? "give columns <question>_<answer>_debiased, or ask for votes as they were cast"
      : "give columns <question>_<answer>, with _count, _fraction or nothing behind the name",
  );
}
