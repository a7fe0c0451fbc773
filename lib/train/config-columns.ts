/** Every key that is not a mapping, such as `train.optimizer.learningRate`, and its value. */
function keysOf(settings: unknown, path = ""): [string, unknown][] {
  if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
    return settings === undefined ? [] : [[path, settings]];
  }
  return Object.entries(settings).flatMap(([key, inner]) =>
    keysOf(inner, path === "" ? key : `${path}.${key}`),
  );
}

/** Settings as a table for people: one row a key, such as `train.optimizer.learningRate`. */
export function settingsColumns(settings: object): {
  /** Keys, such as `train.optimizer.learningRate`. */
  setting: string[];
  /** Their values as text. */
  value: string[];
} {
  const rows = keysOf(settings);
  return {
    setting: rows.map(([key]) => key),
    value: rows.map(([, value]) => (Array.isArray(value) ? JSON.stringify(value) : String(value))),
  };
}

/** The keys on which two configs differ, each as `key: before → after`. */
export function configDifferences(before: unknown, after: unknown): string[] {
  const [was, now] = [new Map(keysOf(before)), new Map(keysOf(after))];
  const text = (of: ReadonlyMap<string, unknown>, key: string) => JSON.stringify(of.get(key));
  return [...new Set([...was.keys(), ...now.keys()])]
    .filter((key) => text(was, key) !== text(now, key))
    .map((key) => `${key}: ${text(was, key)} → ${text(now, key)}`);
}
