import type { Column } from "../core/table";
import type { Dataset } from "./dataset";

/**
 * The class of each of these rows.
 *
 * @param rows Row numbers; all by default.
 * @returns Indices into `classNames`, −1 where the class is not known.
 */
export function labelsOf({ table }: Pick<Dataset, "table">, rows?: ArrayLike<number>): Int32Array {
  const label: Column | undefined = table.label;
  const labelOf = (row: number) => {
    const value = label === undefined ? -1 : Number(label[row]);
    return value >= 0 ? value : -1;
  };
  if (rows) return Int32Array.from(rows, labelOf);
  return Int32Array.from({ length: table.id.length }, (_, row) => labelOf(row));
}

/** Whether the class of any galaxy is known: without, it can be predicted but not learned from. */
export function hasLabels(dataset: Pick<Dataset, "table">): boolean {
  return labelsOf(dataset).some((label) => label >= 0);
}

/** Two classes that differ in upper and lower case, spaces, hyphens and underscores only; nothing where none do. */
export function alikeClasses(classNames: readonly string[]): [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const name of classNames) {
    const key = name
      .trim()
      .toLowerCase()
      .replace(/[\s_-]+/g, "_");
    const before = seen.get(key);
    if (before !== undefined) return [before, name];
    seen.set(key, name);
  }
  return undefined;
}
