/** How people call the three splits. */
const spellings: Readonly<Record<string, string>> = {
  train: "train",
  training: "train",
  val: "val",
  valid: "val",
  validation: "val",
  test: "test",
  testing: "test",
};

/** `train`, `val` or `test` for what a person calls it, in any case; nothing for another word. */
export function splitNamed(word: string): string | undefined {
  const key = word.trim().toLowerCase();
  return Object.hasOwn(spellings, key) ? spellings[key] : undefined;
}
