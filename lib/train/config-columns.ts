import { isSameData } from "../data/same-data";

/** Every key that is not a mapping, such as `train.optimizer.learningRate`, and its value. */
function keysOf(settings: unknown, path = ""): [string, unknown][] {
  if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
    return settings === undefined ? [] : [[path, settings]];
  }
  return Object.entries(settings).flatMap(([key, inner]) =>
    keysOf(inner, path === "" ? key : `${path}.${key}`),
  );
}

/** What a reader asks of every experiment, also where it is the default. */
const ALWAYS = [
  "train.epochs",
  "train.batchSize",
  "train.optimizer.name",
  "train.optimizer.learningRate",
  "train.schedule.name",
];

/**
 * Settings as a table for people: one row a key, such as `train.optimizer.learningRate`.
 *
 * @param defaults Settings that need not be said: keys that are as here are left out, but for the few that
 *   everybody asks for. Default: every key has its row.
 */
export function settingsColumns(
  settings: object,
  defaults?: object,
): {
  /** Keys, such as `train.optimizer.learningRate`. */
  setting: string[];
  /** Their values as text. */
  value: string[];
} {
  const usual = new Map(keysOf(defaults).map(([key, value]) => [key, JSON.stringify(value)]));
  const rows = keysOf(settings).filter(
    ([key, value]) => ALWAYS.includes(key) || usual.get(key) !== JSON.stringify(value),
  );
  return {
    setting: rows.map(([key]) => key),
    value: rows.map(([, value]) => (Array.isArray(value) ? JSON.stringify(value) : String(value))),
  };
}

/** Keys whose values are names, or paths that can be written in several ways. */
const PATHS = ["data.spec", "data.tree", "model.weights"];

/** The keys on which two configs differ, each as `key: before → after`. */
export function configDifferences(before: unknown, after: unknown): string[] {
  const [was, now] = [new Map(keysOf(before)), new Map(keysOf(after))];
  const text = (value: unknown) => JSON.stringify(value);
  const isSame = (key: string) => {
    const [a, b] = [was.get(key), now.get(key)];
    if (text(a) === text(b)) return true;
    const paths = PATHS.includes(key) && typeof a === "string" && typeof b === "string";
    return paths && isSameData(a, b);
  };
  return [...new Set([...was.keys(), ...now.keys()])]
    .filter((key) => !isSame(key))
    .map((key) => `${key}: ${text(was.get(key))} → ${text(now.get(key))}`);
}
