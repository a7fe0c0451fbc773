import { constants } from "node:os";
import { UserError } from "../core/errors";
import { printable } from "../core/printable";
import { systemError } from "../core/system-errors";
import { Interruption } from "../notebook/interrupt";
import { verbs } from "./registry";
import { findVerb, listOf, say } from "./verb";

/**
 * Do what a command line says, and print what came of it, or what went wrong.
 *
 * @param words Verb and options, as they follow `tuning-fork`.
 * @returns the exit code
 */
export async function command(words: readonly string[]): Promise<number> {
  try {
    return await run(words);
  } catch (thrown) {
    const error = systemError(thrown);
    const known = error instanceof UserError;
    console.error(known ? `✗ ${printable(error.message)}` : error);
    if (process.env.TUNING_FORK_DEBUG && known) console.error(error.stack, error.cause);
    // As a shell says it of a program that a signal ended.
    return error instanceof Interruption ? 128 + constants.signals[error.signal] : 1;
  }
}

async function run([name, ...rest]: readonly string[]): Promise<number> {
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    say(await overview());
    return name === undefined ? 1 : 0;
  }
  const { verb } = await findVerb(verbs, name)();
  return verb.run(name, rest);
}

async function overview(): Promise<string> {
  const entries = Object.entries(verbs).map(async ([name, load]) => [name, (await load()).verb]);
  return [
    "tuning-fork: galaxy morphology with neural networks",
    "",
    "tuning-fork VERB …        tuning-fork VERB --help",
    "",
    listOf("", Object.fromEntries(await Promise.all(entries))),
  ].join("\n");
}
