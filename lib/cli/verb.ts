import { type ParseArgsConfig, parseArgs } from "node:util";
import { UserError } from "../core/errors";

/** What the command line gave a verb. */
export interface Arguments {
  readonly values: Readonly<Record<string, string | boolean | string[] | undefined>>;
  readonly positionals: readonly string[];
}

/** One verb of the `tuning-fork` command. */
export interface Verb {
  /** A line for the list of verbs. */
  readonly summary: string;
  /** What follows the verb, as the help shows it; then a line an option. */
  readonly usage: string;
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** @returns the exit code, 0 where nothing is said. */
  run(args: Arguments): Promise<number | undefined>;
}

/** @throws UserError for an option that the verb does not have. */
export function readArguments(verb: string, { options }: Verb, args: readonly string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...options, help: { type: "boolean", short: "h" } },
      allowPositionals: true,
    });
    return { values: values as Arguments["values"], positionals };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new UserError(message, `see \`tuning-fork ${verb} --help\``, { cause });
  }
}

/** The text of an option, where it was given. */
export function textOption({ values }: Arguments, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

/** @throws UserError when the option is not there. */
export function requiredOption(args: Arguments, name: string, example: string): string {
  const value = textOption(args, name);
  if (value !== undefined) return value;
  throw new UserError(`--${name} is missing`, `give it, for example --${name} ${example}`);
}

/** @throws UserError when the option is no whole number of at least `least`. */
export function integerOption(args: Arguments, name: string, fallback: number, least = 0): number {
  const text = textOption(args, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new UserError(
    `--${name} is "${text}"; a whole number of at least ${least} was expected`,
    `give for example --${name} ${Math.max(least, fallback)}`,
  );
}
