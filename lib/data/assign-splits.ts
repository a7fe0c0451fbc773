import { UserError } from "../core/errors";
import { type SplitOptions, stratifiedSplit, takeFraction } from "./splits";

/** How {@link assignSplits} assigns rows. */
export interface AssignOptions extends SplitOptions {
  /** Shares of the three splits, in any unit; 64, 16, 20 by default. A share of 0 is no split. */
  readonly shares?: {
    /** To learn from. */
    readonly train: number;
    /** To choose between epochs. */
    readonly val: number;
    /** To be asked once, at the end. */
    readonly test: number;
  };
  /** The split that each row came with, empty for none; by default the data bring no split. */
  readonly given?: ArrayLike<string>;
  /** Part of the rows that is used at all, drawn from each stratum, in (0, 1]; 1 by default. */
  readonly fraction?: number;
}

/** Where each row went. */
export interface AssignedSplits {
  /** `train`, `val`, `test`, or `unused` for a row of none, one a row. */
  readonly split: readonly string[];
  /** What a person should be told about it, a sentence each. */
  readonly notices: readonly string[];
}

/**
 * Assign rows to `train`, `val` and `test`.
 *
 * A split that the data bring is kept, never drawn anew: only where it has no validation part is one
 * taken from its training part. A test part that it lacks is not made up. Rows without a stratum (no
 * label) are unused.
 *
 * @param strata Stratum of each row, such as its class; −1 where it is not known.
 * @throws UserError when no row has a stratum, or one has too few rows to be split
 */
export function assignSplits(
  strata: ArrayLike<number>,
  options: AssignOptions = {},
): AssignedSplits {
  const { shares = { train: 64, val: 16, test: 20 }, seed = 42, given, fraction = 1 } = options;
  const rows = Array.from({ length: strata.length }, (_, row) => row);
  const unlabeled = rows.filter((row) => !(strata[row] >= 0)).length;
  if (unlabeled === rows.length) {
    throw new UserError(
      `None of the ${rows.length} rows has a label.`,
      "Give labels to learn from: class folders, or a CSV with a column label.",
    );
  }
  const notices: string[] = [];
  if (unlabeled > 0) notices.push(`${unlabeled} of ${rows.length} rows have no label: not used.`);
  const kept = takeFraction(strata, rows, fraction, seed);
  const split = new Array<string>(rows.length).fill("unused");
  const draw = (some: ArrayLike<number>, parts: Readonly<Record<string, number>>) => {
    const { classNames, groups } = options;
    const own = stratifiedSplit(
      Array.from(some, (row) => strata[row]),
      parts,
      { seed, classNames, groups: groups && Array.from(some, (row) => groups[row]) },
    );
    for (let i = 0; i < some.length; i++) split[some[i]] = own[i];
  };
  const there = new Set(Array.from(kept, (row) => given?.[row] ?? ""));
  there.delete("");
  if (given === undefined || there.size === 0) {
    notices.push(...repeated(options.groups));
    draw(kept, { ...shares });
    return { split, notices };
  }
  for (const row of kept) split[row] = given[row] || "unused";
  if (!there.has("test")) {
    notices.push(`The data's own split (${[...there].join(", ")}) has no test part: none is made.`);
  }
  const crossing = countCrossing(split, options.groups);
  if (crossing > 0) {
    notices.push(`${crossing} objects are in more than one of the data's own splits.`);
  }
  const without = kept.reduce((count, row) => count + (given[row] ? 0 : 1), 0);
  if (without > 0) notices.push(`${without} rows are in none of the data's own splits: not used.`);
  if (there.has("train") && !there.has("val") && shares.val > 0) {
    const { train, val } = shares;
    draw(
      kept.filter((row) => given[row] === "train"),
      { train, val },
    );
    notices.push(
      "The data's own split has no validation part: it is taken from the training part.",
    );
  }
  return { split, notices };
}

function* repeated(groups: SplitOptions["groups"]): Generator<string> {
  const distinct = groups === undefined ? 0 : new Set(Array.from<unknown>(groups)).size;
  const more = (groups?.length ?? 0) - distinct;
  if (more > 0) yield `${more} rows show an object that is there already: each stays in one split.`;
}

/** How many objects have rows in several splits; `unused` is none. */
export function countCrossing(split: readonly string[], groups: SplitOptions["groups"]): number {
  if (groups === undefined) return 0;
  const first = new Map<string | number, string>();
  const crossing = new Set<string | number>();
  for (const [row, name] of split.entries()) {
    if (name === "unused") continue;
    const before = first.get(groups[row]);
    if (before === undefined) first.set(groups[row], name);
    else if (before !== name) crossing.add(groups[row]);
  }
  return crossing.size;
}
