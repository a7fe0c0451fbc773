import { UserError } from "../core/errors";
import type { VoteQuestion } from "./dataset";

/** The questions that volunteers are asked, each after the one that leads to it. */
export type DecisionTree = readonly VoteQuestion[];

/** The answers of all questions of a tree, one after another: the columns of its tables. */
export function treeAnswers(tree: DecisionTree): string[] {
  return tree.flatMap(({ answers }) => answers);
}

/** A question and where its answers stand among those of the tree. */
export interface QuestionRange {
  /** The question. */
  readonly question: VoteQuestion;
  /** Column of its first answer. */
  readonly from: number;
  /** Column after its last answer. */
  readonly to: number;
  /** Columns of the answers that lead to it; none: everybody is asked. */
  readonly after: readonly number[];
}

/** Where the answers of each question stand. */
export function questionRanges(tree: DecisionTree): QuestionRange[] {
  const answers = treeAnswers(tree);
  let from = 0;
  return tree.map((question) => {
    const range = { question, from, to: from + question.answers.length };
    from = range.to;
    return { ...range, after: (question.after ?? []).map((answer) => answers.indexOf(answer)) };
  });
}

/**
 * Check a tree, and bring its questions into an order in which each comes after those that lead to it.
 *
 * @param source Where the tree comes from, for messages.
 * @throws UserError naming what is wrong: a question or answer that is there twice, a question with
 * fewer than two answers, an answer in `after` that there is not, a question that leads to itself
 */
export function checkTree(tree: DecisionTree, source: string): DecisionTree {
  const refuse = (problem: string, remedy: string): never => {
    throw new UserError(`${source}: ${problem}`, remedy);
  };
  if (tree.length === 0) refuse("there are no questions", "give at least one");
  const names = new Set<string>();
  const questionOf = new Map<string, VoteQuestion>();
  for (const question of tree) {
    const { name, answers } = question;
    if (names.has(name)) refuse(`the question ${name} is there twice`, "give each its own name");
    names.add(name);
    if (answers.length < 2) {
      refuse(`the question ${name} has ${answers.length} answers`, "give it two or more");
    }
    for (const answer of answers) {
      if (questionOf.has(answer)) {
        refuse(`the answer ${answer} is there twice`, "give each answer a name of its own");
      }
      questionOf.set(answer, question);
    }
  }
  for (const { name, after } of tree) {
    if (after?.length === 0) {
      refuse(
        `no answer leads to ${name}, so that nobody reaches it`,
        "name the answers that do, or leave `after` out where everybody is asked",
      );
    }
    const unknown = after?.find((answer) => !questionOf.has(answer));
    if (unknown !== undefined) {
      refuse(
        `${name} comes after the answer ${unknown}, which no question has`,
        `take one of ${[...questionOf.keys()].join(", ")}`,
      );
    }
  }
  const ordered: VoteQuestion[] = [];
  const path: VoteQuestion[] = [];
  const visit = (question: VoteQuestion): void => {
    if (ordered.includes(question)) return;
    const start = path.indexOf(question);
    if (start >= 0) {
      const circle = [...path.slice(start), question].map(({ name }) => name).reverse();
      refuse(
        `the questions lead round in a circle: ${circle.join(" → ")}`,
        "let each question come after answers of earlier ones only",
      );
    }
    path.push(question);
    for (const answer of question.after ?? []) {
      const before = questionOf.get(answer);
      if (before !== undefined) visit(before);
    }
    path.pop();
    ordered.push(question);
  };
  for (const question of tree) visit(question);
  return ordered;
}

/**
 * The questions of a tree about which a table has answers.
 *
 * @param has Whether the table has an answer.
 * @returns those with two answers or more; an answer that is left out may still have been given
 */
export function partOfTree(tree: DecisionTree, has: (answer: string) => boolean): DecisionTree {
  const kept = tree.flatMap((question) => {
    const answers = question.answers.filter(has);
    if (answers.length < 2) return [];
    const others = question.others || answers.length < question.answers.length;
    return [{ ...question, answers, ...(others ? { others: true } : {}) }];
  });
  const known = new Set(treeAnswers(kept));
  return kept.map(({ after = [], ...question }) => {
    const led = after.filter((answer) => known.has(answer));
    return led.length > 0 ? { ...question, after: led } : question;
  });
}

/**
 * The chance that a volunteer reaches each question: of the first one 1, of the others the sum over
 * the answers that lead there of the chance of that question times the answer's fraction.
 *
 * @param fractions Share of each question's voters `[rows, answers]`, row-major; NaN counts as 0.
 * @returns float64 `[rows, questions]`
 */
export function reachChances(tree: DecisionTree, fractions: ArrayLike<number>): Float64Array {
  const ranges = questionRanges(tree);
  const k = treeAnswers(tree).length;
  const askedBy = questionOfAnswers(ranges);
  const rows = fractions.length / k;
  const chances = new Float64Array(rows * tree.length);
  for (let row = 0; row < rows; row++) {
    for (const [q, { after }] of ranges.entries()) {
      let chance = after.length === 0 ? 1 : 0;
      for (const answer of after) {
        const fraction = fractions[row * k + answer];
        if (fraction > 0) chance += chances[row * tree.length + askedBy[answer]] * fraction;
      }
      chances[row * tree.length + q] = Math.min(chance, 1);
    }
  }
  return chances;
}

/** The question of each answer, as an index. */
export function questionOfAnswers(ranges: readonly QuestionRange[]): number[] {
  return ranges.flatMap(({ from, to }, q) => new Array<number>(to - from).fill(q));
}

/**
 * How many volunteers were asked each question, rebuilt from the fractions and the number who looked at
 * the galaxy: those who gave one of the answers that lead there, in whole numbers.
 *
 * @param fractions Votes as they were cast `[rows, answers]`, row-major; NaN where nobody was asked.
 * @param totals Volunteers who looked at each galaxy.
 * @returns float64 `[rows, questions]`; 0 where nobody was asked
 */
export function rebuildAsked(
  tree: DecisionTree,
  fractions: ArrayLike<number>,
  totals: ArrayLike<number>,
): Float64Array {
  const ranges = questionRanges(tree);
  const k = treeAnswers(tree).length;
  const askedBy = questionOfAnswers(ranges);
  const asked = new Float64Array(totals.length * tree.length);
  for (let row = 0; row < totals.length; row++) {
    for (const [q, { from, after }] of ranges.entries()) {
      const at = row * tree.length;
      let count = after.length === 0 ? totals[row] : 0;
      for (const answer of after) {
        const votes = fractions[row * k + answer] * asked[at + askedBy[answer]];
        if (votes > 0) count += Math.round(votes);
      }
      // Somebody who reached a question may have closed the page before answering it.
      asked[at + q] = Number.isNaN(fractions[row * k + from]) ? 0 : Math.max(count, 1);
    }
  }
  return asked;
}
