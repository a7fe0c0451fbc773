/**
 * A name as it is compared: `Barred Spiral`, `barred_spiral` and `BARRED  SPIRAL` are one. Letters
 * keep their accents, whichever way a file system stores them; signs that are no letters or digits
 * count as one space.
 */
export function nameKey(name: string): string {
  const plain = name.normalize("NFC").trim().toLowerCase();
  const key = plain.replace(/[^\p{L}\p{M}\p{N}]+/gu, "_").replace(/^_+|_+$/g, "");
  return key === "" ? plain : key;
}

/** Whether two names are the same but for case, spaces and signs; see {@link nameKey}. */
export function sameName(a: string, b: string): boolean {
  return nameKey(a) === nameKey(b);
}

/**
 * Where each wanted name stands among others.
 *
 * An exact match goes first. A match but for case, spaces and signs counts only where it is the one
 * on both sides, so that `Sa` and `Sa?` stay two classes.
 *
 * @returns index into `names` of each of `wanted`, −1 where it is not there
 */
export function matchNames(wanted: readonly string[], names: readonly string[]): Int32Array {
  const found = new Int32Array(wanted.length).fill(-1);
  for (const keyOf of [String, (name: string) => name.normalize("NFC"), nameKey]) {
    const [mine, theirs] = [positions(wanted, keyOf), positions(names, keyOf)];
    for (const [key, own] of mine) {
      const others = theirs.get(key) ?? [];
      if (own.length === 1 && others.length === 1) found[own[0]] = others[0];
    }
  }
  return found;
}

function positions(names: readonly string[], keyOf: (name: string) => string) {
  const at = new Map<string, number[]>();
  for (const [i, name] of names.entries()) {
    const key = keyOf(name);
    at.set(key, [...(at.get(key) ?? []), i]);
  }
  return at;
}

/**
 * Names that all differ: one that is there already gets a number.
 *
 * @param separator Between name and number: `x`, `x_2`. Default `_`.
 */
export function distinctNames(names: readonly string[], separator = "_"): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let own = name;
    for (let n = 2; taken.has(own); n++) own = `${name}${separator}${n}`;
    taken.add(own);
    return own;
  });
}

/** A metric's name as it is read: `logLoss` is log loss, `macroF1` macro F1, `relativeMae` relative MAE. */
export function inWords(name: string): string {
  return name
    .replace(/[A-Z]\d?/g, (sign) => ` ${sign.length > 1 ? sign : sign.toLowerCase()}`)
    .replace(/\b(mae|mse|rmse|ece)\b/g, (letters) => letters.toUpperCase());
}

/** As {@link inWords}, with a capital: a heading. */
export function asHeading(name: string): string {
  return inWords(name).replace(/^./, (letter) => letter.toUpperCase());
}
