import { argmax } from "../core/argmax";
import type { Votes } from "../data/dataset";
import { questionRanges } from "../data/decision-tree";
import type { Strata } from "./task";

/** A stratum of fewer galaxies than this is joined with others. */
const FEWEST = 10;

/** How many answers deep galaxies are told apart. */
const DEPTH = 2;

/**
 * Galaxies that most volunteers led down the same way: by the most frequent answer to the first question,
 * and to the next one that it leads to. Ways that few galaxies took end where more join them.
 */
export function voteStrata({
  questions,
  fractions,
  answers,
}: Pick<Votes, "questions" | "fractions" | "answers">): Strata {
  const ranges = questionRanges(questions);
  const k = answers.length;
  const rows = fractions.length / k;
  const wayOf = (row: number): number[] => {
    const way: number[] = [];
    let next = ranges.find(({ after }) => after.length === 0);
    while (next !== undefined && way.length < DEPTH) {
      const { from, to } = next;
      const own = fractions.subarray(row * k + from, row * k + to);
      if (own.some(Number.isNaN)) break;
      const answer = from + argmax(own);
      way.push(answer);
      next = ranges.find(({ after }) => after.includes(answer));
    }
    return way;
  };
  const ways = Array.from({ length: rows }, (_, row) => wayOf(row));
  const key = (way: readonly number[]) => way.map((answer) => answers[answer]).join(" → ");
  for (let depth = DEPTH; depth > 0; depth--) {
    const counts = new Map<string, number>();
    for (const way of ways) counts.set(key(way), (counts.get(key(way)) ?? 0) + 1);
    for (const way of ways) {
      if (way.length === depth && (counts.get(key(way)) ?? 0) < FEWEST) way.pop();
    }
  }
  const known = (row: number) =>
    fractions.subarray(row * k, (row + 1) * k).some((value) => !Number.isNaN(value));
  const keys = ways.map((way, row) => (known(row) ? key(way) || "other" : undefined));
  // What is left over may itself be few: then it goes with the most frequent way.
  const counts = new Map<string, number>();
  for (const one of keys) if (one !== undefined) counts.set(one, (counts.get(one) ?? 0) + 1);
  const most = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), ["other", 0] as const)[0];
  const stays = (one: string) => (counts.get(one) ?? 0) >= FEWEST || one === most;
  const names = [...counts.keys()].filter(stays).sort();
  return {
    of: Int32Array.from(keys, (one) =>
      one === undefined ? -1 : names.indexOf(stays(one) ? one : most),
    ),
    names,
  };
}
