import { UserError } from "../core/errors";
import { nearestWord } from "../core/nearest";
import { printable } from "../core/printable";
import { helpOf } from "./help";
import { readOptions } from "./options";

/** One option of a verb. Every kind has `help`: a sentence on what it does, without the default. */
export type Option =
  | { readonly type: "flag"; readonly help: string }
  | (Valued & { readonly type: "text"; readonly default?: string; readonly multiple?: true })
  | (Valued & { readonly type: "choice"; readonly choices: readonly string[] } & Chosen)
  | (Valued & { readonly type: "integer" | "number"; readonly default?: number } & Bounded);

interface Valued {
  readonly help: string;
  /** What stands for the value in the help, such as `FILE`. Default: the type. */
  readonly value?: string;
  /** The verb cannot do without; an example for the one who left it out. */
  readonly required?: string;
}

interface Chosen {
  readonly default?: string;
  readonly multiple?: true;
}

interface Bounded {
  /** The smallest value. Default: none. */
  readonly least?: number;
}

/** Options of a verb, by name. */
export type Options = Readonly<Record<string, Option>>;

type Single<O> = O extends { type: "integer" | "number" }
  ? number
  : O extends { type: "choice"; choices: readonly (infer C)[] }
    ? C
    : string;

type Given<O> = O extends { type: "flag" }
  ? boolean
  : O extends { multiple: true }
    ? readonly Single<O>[]
    : O extends { required: string } | { default: string | number }
      ? Single<O>
      : Single<O> | undefined;

/** The values of a verb's options: what was given, else the default, else undefined. */
export type Values<O extends Options> = { readonly [K in keyof O]: Given<O[K]> };

/** Words after the verb that belong to no option. */
export interface Words {
  /** What stands for them in the help, such as `FILE.fits`. */
  readonly name: string;
  /** How many at least, and at most. Default: exactly one. */
  readonly count?: readonly [least: number, most: number];
}

/** What a verb is made of. */
export interface VerbDefinition<O extends Options> {
  /** A line for the list of verbs. */
  readonly summary: string;
  /** Paragraphs of its help, below what it takes. Default: none. */
  readonly details?: string;
  /** Default: none are taken. */
  readonly words?: Words;
  readonly options: O;
  /** @returns the exit code, 0 where nothing is said */
  run(values: Values<O>, words: readonly string[]): Promise<number | undefined>;
}

/** One verb of the `tuning-fork` command, or a group of verbs. */
export interface Verb {
  /** A line for the list of verbs. */
  readonly summary: string;
  /**
   * Do what the words after the verb say.
   *
   * @param name The verb as it was called, for messages and the help.
   * @returns the exit code
   * @throws UserError for words and options that it does not have
   */
  run(name: string, args: readonly string[]): Promise<number>;
}

/** Make a verb of a description: its options are read, checked and shown in `--help` by it. */
export function defineVerb<const O extends Options>(definition: VerbDefinition<O>): Verb {
  return {
    summary: definition.summary,
    async run(name, args) {
      if (args.includes("--help") || args.includes("-h")) {
        say(helpOf(name, definition));
        return 0;
      }
      const { values, words } = readOptions(name, definition, args);
      return (await definition.run(values as Values<O>, words)) ?? 0;
    },
  };
}

/** Make a verb of several, such as `data list` and `data info`. */
export function groupVerbs(summary: string, verbs: Readonly<Record<string, Verb>>): Verb {
  return {
    summary,
    async run(name, [word, ...rest]) {
      if (word === "--help" || word === "-h") {
        say(`${summary}\n\n${listOf(name, verbs)}\n\ntuning-fork ${name} VERB --help`);
        return 0;
      }
      return findVerb(verbs, word ?? "", name).run(`${name} ${word}`, rest);
    },
  };
}

/** Verbs with their summaries, a line each. */
export function listOf(
  name: string,
  verbs: Readonly<Record<string, { readonly summary: string }>>,
): string {
  const full = Object.entries(verbs).map(
    ([verb, { summary }]) => [`${name} ${verb}`.trim(), summary] as const,
  );
  const width = Math.max(...full.map(([verb]) => verb.length)) + 2;
  return full.map(([verb, summary]) => `  ${verb.padEnd(width)}${summary}`).join("\n");
}

/** @throws UserError naming the verb that may be meant */
export function findVerb<V>(verbs: Readonly<Record<string, V>>, word: string, group = ""): V {
  if (Object.hasOwn(verbs, word)) return verbs[word];
  const before = group === "" ? "" : `${group} `;
  const names = Object.keys(verbs);
  const meant = nearestWord(word, names);
  throw new UserError(
    word === "" ? `${before}what?` : `there is no verb "${before}${word}"`,
    meant === undefined
      ? `take one of ${names.join(", ")}; \`tuning-fork ${before}--help\` says what each does`
      : `did you mean \`tuning-fork ${before}${meant}\`?`,
  );
}

/** Print a verb's result. Names in it may come out of anybody's files: see {@link printable}. */
export function say(text: string): void {
  console.log(printable(text));
}
