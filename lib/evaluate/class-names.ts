import { UserError } from "../core/errors";
import { matchNames } from "../core/names";

/**
 * Texts → classes: by name, case and signs aside, else by index where the text is a whole number.
 *
 * @returns index of each into `classNames`, −1 where there is none
 */
export function classIndices(texts: readonly string[], classNames: readonly string[]): Int32Array {
  const distinct = [...new Set(texts)].filter((text) => text !== "");
  const found = matchNames(distinct, classNames);
  const indexOf = new Map<string, number>();
  for (const [i, text] of distinct.entries()) {
    const asIndex = /^\d+$/.test(text) && Number(text) < classNames.length ? Number(text) : -1;
    indexOf.set(text, found[i] >= 0 ? found[i] : asIndex);
  }
  return Int32Array.from(texts, (text) => indexOf.get(text) ?? -1);
}

/** @throws UserError where a name stands twice */
export function checkClassNames(classNames: readonly string[], source: string): void {
  const twice = classNames.find((name, c) => classNames.indexOf(name) < c);
  if (twice === undefined) return;
  throw new UserError(`${source}: two classes are called "${twice}"`, "Give each its own name.");
}

/** What a label may be, for messages. */
export function expectedClass(classNames: readonly string[]): string {
  return `Expected one of ${classNames.join(", ")}, or 0 to ${classNames.length - 1}.`;
}

/**
 * The classes that two columns name, in the spelling of the first, ordered as numbers where they are
 * numbers and by letters else.
 *
 * @param where Names of the two columns, for the message.
 * @throws UserError where one holds numbers and the other names: nobody knows which is which
 */
export function unionOfClasses(
  first: readonly string[],
  second: readonly string[],
  where: readonly [string, string],
): string[] {
  const [a, b] = [first, second].map((texts) => [...new Set(texts)].filter((text) => text !== ""));
  const numbers = [a, b].map((names) => names.every((name) => /^\d+$/.test(name)));
  if (a.length > 0 && b.length > 0 && numbers[0] !== numbers[1])
    throw new UserError(
      `${where[0]} says "${a[0]}" and ${where[1]} "${b[0]}": numbers and names of classes`,
      "Write the classes of both in one way.",
    );
  const found = matchNames(b, a);
  return [...a, ...b.filter((_, i) => found[i] < 0)].sort(byNumberThenName);
}

function byNumberThenName(a: string, b: string): number {
  const difference = Number(a) - Number(b);
  if (difference !== 0 && !Number.isNaN(difference)) return difference;
  return a < b ? -1 : a > b ? 1 : 0;
}
