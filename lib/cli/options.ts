import { parseArgs } from "node:util";
import { UserError } from "../core/errors";
import { nearestWord } from "../core/nearest";
import type { Option, Options, VerbDefinition } from "./verb";

type Value = string | number | boolean | readonly (string | number)[] | undefined;

/**
 * Read the words after a verb by its description.
 *
 * @param name The verb as it was called.
 * @throws UserError naming the option: one that the verb does not have, given twice, without its value,
 * with one of the wrong kind, or missing; or a word too few or too many.
 */
export function readOptions(
  name: string,
  { options, words }: Pick<VerbDefinition<Options>, "options" | "words">,
  args: readonly string[],
): { values: Record<string, Value>; words: string[] } {
  const kinds = Object.entries(options).map(([key, { type }]) => {
    return [key, { type: type === "flag" ? ("boolean" as const) : ("string" as const) }] as const;
  });
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(kinds),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const help = `see \`tuning-fork ${name} --help\``;
  const given = new Map<string, string[]>();
  const rest: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") rest.push(token.value);
    if (token.kind !== "option") continue;
    if (!Object.hasOwn(options, token.name)) {
      const meant = nearestWord(token.name, Object.keys(options));
      const remedy = meant === undefined ? help : `did you mean --${meant}? ${help}`;
      throw new UserError(`${name} has no option ${token.rawName}`, remedy);
    }
    const option = options[token.name];
    const before = given.get(token.name) ?? [];
    if (before.length > 0 && !("multiple" in option)) {
      throw new UserError(`${token.rawName} is given twice`, `give it once; ${help}`);
    }
    given.set(token.name, [...before, textOf(option, token, help)]);
  }
  const [least, most] = words === undefined ? [0, 0] : (words.count ?? [1, 1]);
  if (rest.length < least) throw new UserError(`${words?.name} is missing`, help);
  if (rest.length > most) {
    throw new UserError(`${name} does not take the word "${rest[most]}"`, help);
  }
  const values = Object.entries(options).map(([key, option]) => {
    return [key, valueFor(key, option, given.get(key) ?? [])] as const;
  });
  return { values: Object.fromEntries(values), words: rest };
}

function textOf(
  option: Option,
  { rawName, value, inlineValue }: { rawName: string; value?: string; inlineValue?: boolean },
  help: string,
): string {
  if (option.type === "flag") {
    if (value === undefined) return "";
    throw new UserError(`${rawName} takes no value`, `leave out "=${value}"; ${help}`);
  }
  // A negative number is a value; what else begins with a dash is the next option.
  const isOption = !inlineValue && /^-(?![\d.])/.test(value ?? "");
  if (value === undefined || value === "" || isOption) {
    throw new UserError(`${rawName} lacks its ${option.value ?? option.type}`, help);
  }
  return value;
}

function valueFor(key: string, option: Option, texts: readonly string[]): Value {
  if (option.type === "flag") return texts.length > 0;
  if (texts.length === 0) {
    if ("multiple" in option) return [];
    if (option.default !== undefined || option.required === undefined) return option.default;
    throw new UserError(`--${key} is missing`, `give it, for example --${key} ${option.required}`);
  }
  const read = texts.map((text) => checked(key, option, text));
  return "multiple" in option ? read : read[0];
}

function checked(
  key: string,
  option: Exclude<Option, { type: "flag" }>,
  text: string,
): string | number {
  if (option.type === "text") return text;
  if (option.type === "choice") {
    if (option.choices.includes(text)) return text;
    const meant = nearestWord(text, option.choices);
    throw new UserError(
      `--${key} is "${text}"; expected one of ${option.choices.join(", ")}`,
      meant === undefined ? "take one of them" : `did you mean --${key} ${meant}?`,
    );
  }
  const value = Number(text);
  const whole = option.type === "integer";
  const { least = Number.NEGATIVE_INFINITY } = option;
  const fits = whole ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (text.trim() !== "" && fits && value >= least) return value;
  const bound = Number.isFinite(least) ? ` of at least ${least}` : "";
  throw new UserError(
    `--${key} is "${text}"; expected a ${whole ? "whole " : ""}number${bound}`,
    `give for example --${key} ${option.default ?? Math.max(1, option.least ?? 1)}`,
  );
}
