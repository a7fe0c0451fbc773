import { argmax } from "../core/argmax";
import { UserError } from "../core/errors";
import { idKey, rowsById } from "../core/ids";
import { Random } from "../core/random";
import { asText } from "../core/table";
import { writeFileAtomic } from "../io/atomic";
import { readCsv } from "../io/csv";
import { formatCsv } from "../io/csv-text";
import { rowsByStratum } from "./sampling";
import { splitNamed } from "./split-names";

/** Shares of the rows that go to each split: ratios or counts, in any unit. */
export type SplitShares = Readonly<Record<string, number>>;

/** Splits that papers of the field use. */
export const splitPresets: Readonly<Record<"64/16/20" | "80/20" | "15962/1774", SplitShares>> = {
  "64/16/20": { train: 64, val: 16, test: 20 },
  "80/20": { train: 80, test: 20 },
  /** Of the 17,736 galaxies of Galaxy10 DECaLS. */
  "15962/1774": { train: 15962, test: 1774 },
};

/** What {@link stratifiedSplit} may be told. */
export interface SplitOptions {
  /** Of the draw; 42 by default. */
  readonly seed?: number;
  /** Names of the strata by number, for messages; by default `class 0`, `class 1`, … */
  readonly classNames?: readonly string[];
  /**
   * Rows with the same value (two images of one galaxy, say) go to the same split. By default each
   * row is on its own.
   */
  readonly groups?: ArrayLike<string | number>;
}

/**
 * Assign rows to splits, each stratum in the same proportion.
 *
 * Totals are exact to one row (largest remainder), each stratum is exact to about one row, and every
 * stratum is in every split. The same strata and seed give the same split on any machine.
 *
 * @param strata Stratum of each row, such as its class; −1 for a row of none (without a label).
 * @param shares How much goes to each split.
 * @returns The name of each row's split; empty for a row of no stratum.
 * @throws UserError naming a stratum with fewer rows than there are splits.
 */
export function stratifiedSplit(
  strata: ArrayLike<number>,
  shares: SplitShares,
  options: SplitOptions = {},
): string[] {
  const names = Object.keys(shares).filter((name) => shares[name] > 0);
  const sum = names.reduce((total, name) => total + shares[name], 0);
  if (names.length === 0 || !Number.isFinite(sum) || Object.values(shares).some((x) => !(x >= 0))) {
    throw new UserError(
      `Split shares ${JSON.stringify(shares)}; expected numbers ≥ 0 with a sum above 0.`,
      "Give for example train 64, val 16, test 20.",
    );
  }
  const ratios = names.map((name) => shares[name] / sum);
  const units = representatives(strata, options.groups);
  const rowsOf = rowsByStratum(strata, units.first);
  const classes = [...rowsOf.keys()];
  for (const label of classes) {
    const count = rowsOf.get(label)?.length ?? 0;
    if (count < names.length) {
      const name = options.classNames?.[label] ?? `class ${label}`;
      throw new UserError(
        `'${name}' has ${count} ${count === 1 ? "image" : "images"}; a split into ` +
          `${names.join(", ")} needs at least ${names.length} of each class.`,
        "Add images, remove the class, or use fewer splits.",
      );
    }
  }
  const counts = apportion(
    classes.map((label) => rowsOf.get(label)?.length ?? 0),
    ratios,
  );
  const result = new Array<string>(strata.length).fill("");
  for (const [c, label] of classes.entries()) {
    const rows = rowsOf.get(label) ?? new Uint32Array();
    const order = new Random(options.seed ?? 42, `split ${label}`).permutation(rows.length);
    let at = 0;
    for (const [k, name] of names.entries()) {
      for (let i = 0; i < counts[c][k]; i++) result[rows[order[at++]]] = name;
    }
  }
  for (let row = 0; row < result.length; row++) {
    if (strata[row] >= 0) result[row] = result[units.of[row]];
  }
  return result;
}

/** Rows of one split, in order. */
export function rowsOfSplit(splits: ArrayLike<string>, name: string): Uint32Array {
  const rows: number[] = [];
  for (let row = 0; row < splits.length; row++) if (splits[row] === name) rows.push(row);
  return Uint32Array.from(rows);
}

/**
 * A part of the rows, each stratum in proportion and at least one row of each: for a quick look at
 * the whole of a workflow.
 *
 * @param strata Stratum of every row of the data set; rows of −1 are left out.
 * @param rows The rows to take from.
 * @param fraction In (0, 1].
 * @param seed Of the draw; 42 by default.
 * @returns The chosen rows, in the order in which they were given.
 */
export function takeFraction(
  strata: ArrayLike<number>,
  rows: ArrayLike<number>,
  fraction: number,
  seed = 42,
): Uint32Array {
  if (!(fraction > 0 && fraction <= 1)) {
    throw new UserError(
      `Data fraction ${fraction}; expected a number above 0 and at most 1.`,
      "Give for example 0.1 for a tenth of the galaxies.",
    );
  }
  const taken = new Map<number, number>();
  const total = new Map<number, number>();
  for (let i = 0; i < rows.length; i++) {
    total.set(strata[rows[i]], (total.get(strata[rows[i]]) ?? 0) + 1);
  }
  const kept: number[] = [];
  for (const i of new Random(seed, "fraction").permutation(rows.length)) {
    const label = strata[rows[i]];
    if (label < 0) continue;
    const already = taken.get(label) ?? 0;
    if (already >= Math.max(1, Math.round(fraction * (total.get(label) ?? 0)))) continue;
    taken.set(label, already + 1);
    kept.push(i);
  }
  return Uint32Array.from(kept.sort((a, b) => a - b).map((i) => rows[i]));
}

/** Store a split as CSV `id,split`. */
export async function saveSplit(
  path: string,
  ids: readonly string[],
  splits: readonly string[],
): Promise<void> {
  const rows = ids.map((id, i) => [id, splits[i]]);
  writeFileAtomic(path, formatCsv(["id", "split"], rows));
}

/**
 * Read a split: the id of each row and where it went.
 *
 * @returns The split of each id, by its `idKey`: `train`, `val`, `test` (however they are spelled) or `unused`.
 * @throws UserError naming file and row of the first id that is there twice, or whose split is another word.
 */
export async function readSplit(path: string): Promise<Map<string, string>> {
  const csv = await readCsv(path, { id: "text", split: "text" });
  const rowOf = rowsById(asText(csv.columns.id), path, csv.rowNumber);
  const splits = asText(csv.columns.split).map((word, row) => {
    const split = word === "unused" ? word : splitNamed(word);
    if (split !== undefined) return split;
    throw new UserError(
      `${path}, row ${csv.rowNumber(row)}: split is '${word}'; expected train, val, test or unused.`,
      REMEDY,
    );
  });
  return new Map([...rowOf].map(([key, row]) => [key, splits[row]]));
}

/**
 * Read a split for exactly these ids.
 *
 * @returns The name of each row's split.
 * @throws UserError naming the file and the first id that is missing, unknown or there twice.
 */
export async function loadSplit(path: string, ids: readonly string[]): Promise<string[]> {
  const splitOf = await readSplit(path);
  const known = new Set(ids.map(idKey));
  for (const id of splitOf.keys()) {
    if (!known.has(id)) throw new UserError(`${path}: id '${id}' is not in the data.`, REMEDY);
  }
  return ids.map((id) => {
    const split = splitOf.get(idKey(id));
    if (split === undefined) throw new UserError(`${path}: no row for id '${id}'.`, REMEDY);
    return split;
  });
}

const REMEDY = "Use the split that was made for this data set, or make a new one.";

/** The first row of each group that has a stratum, and for each row that of its group. */
function representatives(strata: ArrayLike<number>, groups?: ArrayLike<string | number>) {
  const first: number[] = [];
  const of = Uint32Array.from({ length: strata.length }, (_, row) => row);
  const seen = new Map<string | number, number>();
  for (let row = 0; row < strata.length; row++) {
    if (strata[row] < 0 || (groups && seen.has(groups[row]))) continue;
    first.push(row);
    if (groups) seen.set(groups[row], row);
  }
  if (groups) for (let row = 0; row < of.length; row++) of[row] = seen.get(groups[row]) ?? row;
  return { first, of };
}

/**
 * Whole numbers `[class][split]` near `sizes[class] × ratios[split]`: rows sum to the sizes,
 * columns to the largest-remainder totals, none is 0.
 */
function apportion(sizes: readonly number[], ratios: readonly number[]): number[][] {
  const total = sizes.reduce((a, b) => a + b, 0);
  const targets = largestRemainder(total, ratios);
  const counts = sizes.map((size) => ratios.map((ratio) => Math.floor(size * ratio + 1e-9)));
  const left = sizes.map((size, c) => size - counts[c].reduce((a, b) => a + b, 0));
  const room = targets.map((target, k) => target - counts.reduce((sum, row) => sum + row[k], 0));
  const wishes = sizes.flatMap((size, c) =>
    ratios.map((ratio, k) => ({ c, k, part: size * ratio - counts[c][k] })),
  );
  wishes.sort((a, b) => b.part - a.part || a.c - b.c || a.k - b.k);
  // First one unit each where the remainder is largest, then what is left wherever there is room.
  for (const round of [0, 1]) {
    for (const { c, k } of wishes) {
      while (left[c] > 0 && room[k] > 0) {
        counts[c][k]++;
        left[c]--;
        room[k]--;
        if (round === 0) break;
      }
    }
  }
  for (const row of counts) {
    for (let k = row.indexOf(0); k >= 0; k = row.indexOf(0)) {
      row[argmax(row)]--;
      row[k]++;
    }
  }
  return counts;
}

function largestRemainder(total: number, ratios: readonly number[]): number[] {
  const counts = ratios.map((ratio) => Math.floor(total * ratio + 1e-9));
  const parts = ratios.map((ratio, k) => ({ k, part: total * ratio - counts[k] }));
  parts.sort((a, b) => b.part - a.part || a.k - b.k);
  const left = total - counts.reduce((a, b) => a + b, 0);
  for (let i = 0; i < left; i++) counts[parts[i].k]++;
  return counts;
}
