import { UserError } from "../core/errors";
import { asNumbers } from "../core/table";
import type { CsvTable } from "../io/csv-table";
import type { Votes } from "./dataset";
import { type DecisionTree, questionRanges, rebuildAsked, treeAnswers } from "./decision-tree";
import { TOTAL, type VoteColumns, type VoteKind } from "./vote-columns";

/** The sums of printed fractions are off by so much at most. */
const ROUNDING = 0.025;

/** Votes, and what was decided about them. */
export interface ReadVotes {
  /** Of the rows that were asked for. */
  readonly votes: Votes;
  /** A sentence each. */
  readonly notices: readonly string[];
}

/**
 * The votes of some rows of a table that was read with {@link VoteColumns.wanted}.
 *
 * Where a table has fractions and the number of those who looked at a galaxy, the number of those who
 * were asked each question is rebuilt down the tree; see {@link rebuildAsked}.
 *
 * @param file For messages.
 * @param rows Rows of the table.
 * @throws UserError naming file, row, column and value: a vote that is negative, no number among numbers
 * or above 1 as a fraction; answers that do not sum to those who were asked
 */
export function readVoteColumns(
  file: string,
  csv: CsvTable,
  rows: readonly number[],
  { tree, kind, columns, cast }: VoteColumns,
): ReadVotes {
  const at = (row: number) => `${file}, row ${csv.rowNumber(rows[row])}`;
  const read = (names: readonly string[]) => {
    const all = names.map((name) => asNumbers(csv.columns[name]));
    const k = names.length;
    return Float64Array.from(
      { length: rows.length * k },
      (_, i) => all[i % k][rows[Math.floor(i / k)]],
    );
  };
  const notices: string[] = [];
  const questions = tree;
  const answers = treeAnswers(tree);
  const result = (fractions: Float64Array, asked?: Float64Array): ReadVotes => {
    const known = questionRanges(tree).filter(({ from }) => {
      for (let i = from; i < fractions.length; i += answers.length) {
        if (!Number.isNaN(fractions[i])) return true;
      }
      return false;
    });
    const silent = tree.filter((question) => !known.some((one) => one.question === question));
    if (silent.length > 0) {
      notices.push(
        `Nobody answered ${silent.map(({ name }) => name).join(", ")} in ${file}: nothing can be learned about it.`,
      );
    }
    return { votes: { questions, answers, fractions, ...(asked ? { asked } : {}) }, notices };
  };
  const values = read(columns);
  checkVotes(values, columns, at);
  const totals = csv.columns[TOTAL] && read([TOTAL]);
  const sums = totalsOf(csv, tree, rows);
  if (areCounts(values, answers, columns)) {
    const { fractions, asked } = fromCounts(values, tree, columns, sums, at);
    return result(fractions, asked);
  }
  const fractions = checkedFractions(values, tree, columns, kind, at);
  if (sums !== undefined) {
    checkVotes(
      sums,
      tree.map(({ name }) => `${name}_total-votes`),
      at,
    );
    return result(fractions, sums);
  }
  if (totals === undefined) return result(fractions);
  checkVotes(totals, [TOTAL], at);
  refuseUncounted(totals, fractions, at);
  const votes = cast === undefined ? values : read(cast);
  if (cast !== undefined) checkVotes(votes, cast, at);
  const shares =
    cast === undefined
      ? fractions
      : areCounts(votes, answers, cast)
        ? fromCounts(votes, tree, cast, undefined, at).fractions
        : checkedFractions(votes, tree, cast, "cast", at);
  notices.push(
    `The numbers of volunteers who answered each question are rebuilt from ${TOTAL} and the fractions.`,
  );
  const asked = rebuildAsked(tree, shares, totals);
  // What is not known of a galaxy cannot be weighed.
  for (const [q, { from }] of questionRanges(tree).entries()) {
    for (let row = 0; row < rows.length; row++) {
      if (Number.isNaN(fractions[row * answers.length + from])) asked[row * tree.length + q] = 0;
    }
  }
  return result(fractions, asked);
}

/** Whether columns hold numbers of votes: by their names, or, of bare names, by a number above 1. */
function areCounts(
  values: Float64Array,
  answers: readonly string[],
  columns: readonly string[],
): boolean {
  if (columns[0].endsWith("_count")) return true;
  return columns[0] === answers[0] && values.some((value) => value > 1 + ROUNDING);
}

function checkVotes(
  values: Float64Array,
  columns: readonly string[],
  at: (row: number) => string,
): void {
  const bad = values.findIndex((value) => value < -1e-6 || value === Number.POSITIVE_INFINITY);
  if (bad < 0) return;
  const row = Math.floor(bad / columns.length);
  throw new UserError(
    `${at(row)}: ${columns[bad % columns.length]} is ${values[bad]}; expected votes, 0 or more.`,
    "Correct the table or download it again.",
  );
}

/** @throws UserError naming a galaxy that has votes of nobody knows how many */
function refuseUncounted(
  totals: Float64Array,
  fractions: Float64Array,
  at: (row: number) => string,
): void {
  const k = fractions.length / totals.length;
  const row = totals.findIndex((total, i) => {
    const own = fractions.subarray(i * k, (i + 1) * k);
    return Number.isNaN(total) && !own.every(Number.isNaN);
  });
  if (row < 0) return;
  throw new UserError(
    `${at(row)}: ${TOTAL} is empty or NaN, and the galaxy has votes.`,
    "Fill in how many looked at it, or leave the column out: fractions alone can be learned, too.",
  );
}

/** How many were asked each question, where columns say so. */
function totalsOf(
  csv: CsvTable,
  tree: DecisionTree,
  rows: readonly number[],
): Float64Array | undefined {
  const columns = tree.map(({ name }) => csv.columns[`${name}_total-votes`]);
  if (columns.includes(undefined as never)) return undefined;
  const numbers = columns.map(asNumbers);
  const width = tree.length;
  return Float64Array.from(
    { length: rows.length * width },
    (_, i) => numbers[i % width][rows[Math.floor(i / width)]] || 0,
  );
}

function fromCounts(
  counts: Float64Array,
  tree: DecisionTree,
  columns: readonly string[],
  totals: Float64Array | undefined,
  at: (row: number) => string,
) {
  const k = columns.length;
  const rows = counts.length / k;
  const fractions = new Float64Array(counts.length);
  const asked = new Float64Array(rows * tree.length);
  for (const [q, { question, from, to }] of questionRanges(tree).entries()) {
    for (let row = 0; row < rows; row++) {
      const own = counts.subarray(row * k + from, row * k + to);
      refusePartly(own, columns.slice(from, to), at(row));
      const sum = own.reduce((total, count) => total + (count || 0), 0);
      const total = totals?.[row * tree.length + q] ?? sum;
      if (sum > total + 0.5 || (!question.others && sum < total - 0.5)) {
        throw new UserError(
          `${at(row)}: the answers to ${question.name} have ${sum} votes, and ${total} volunteers were asked.`,
          "Correct the table or download it again.",
        );
      }
      asked[row * tree.length + q] = total;
      for (let a = from; a < to; a++) {
        fractions[row * k + a] = total > 0 ? counts[row * k + a] / total : Number.NaN;
      }
    }
  }
  return { fractions, asked };
}

function refusePartly(own: Float64Array, columns: readonly string[], at: string): void {
  const missing = own.findIndex(Number.isNaN);
  if (missing < 0 || own.every(Number.isNaN)) return;
  throw new UserError(
    `${at}: ${columns[missing]} is empty or NaN, and other answers to its question are not.`,
    "Fill it in, with 0 where nobody gave this answer, or leave all of the question empty.",
  );
}

function checkedFractions(
  values: Float64Array,
  tree: DecisionTree,
  columns: readonly string[],
  kind: VoteKind,
  at: (row: number) => string,
): Float64Array {
  const k = columns.length;
  const fractions = new Float64Array(values.length);
  for (const { question, from, to } of questionRanges(tree)) {
    for (let row = 0; row < values.length / k; row++) {
      const own = values.subarray(row * k + from, row * k + to);
      // Where debiasing failed for an answer, nothing is known about its question.
      if (kind === "debiased" && own.some(Number.isNaN)) {
        fractions.fill(Number.NaN, row * k + from, row * k + to);
        continue;
      }
      refusePartly(own, columns.slice(from, to), at(row));
      const high = own.findIndex((value) => value > 1 + 1e-6);
      if (high >= 0) {
        throw new UserError(
          `${at(row)}: ${columns[from + high]} is ${own[high]}; expected a fraction, 0–1.`,
          "Correct the table or download it again.",
        );
      }
      const sum = own.reduce((total, value) => total + value, 0);
      // Each answer is debiased by itself, so that those do not sum to one.
      const wrong = sum > 1 + ROUNDING || (!question.others && sum < 1 - ROUNDING);
      if (kind === "cast" && sum > 0 && wrong) {
        throw new UserError(
          `${at(row)}: the fractions of ${question.name} sum to ${Number(sum.toFixed(4))}; expected 1.`,
          "Correct the table, or say in the tree of questions that there are `others`.",
        );
      }
      // A question whose answers are all 0 was put to nobody.
      const nobody = sum === 0;
      for (let a = from; a < to; a++) {
        const value = values[row * k + a];
        fractions[row * k + a] = nobody ? Number.NaN : Math.min(1, Math.max(0, value));
      }
    }
  }
  return fractions;
}
