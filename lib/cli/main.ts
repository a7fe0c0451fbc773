import { constants } from "node:os";
import { UserError } from "../core/errors";
import { printable } from "../core/printable";
import { systemError } from "../core/system-errors";
import { Interruption } from "../notebook/interrupt";
import { verbs } from "./registry";
import { findVerb, listOf, say } from "./verb";

async function main([name, ...rest]: readonly string[]): Promise<number> {
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

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (thrown: unknown) => {
    const error = systemError(thrown);
    const known = error instanceof UserError;
    console.error(known ? `✗ ${printable(error.message)}` : error);
    if (process.env.TUNING_FORK_DEBUG && known) console.error(error.stack, error.cause);
    // As a shell says it of a program that a signal ended.
    process.exitCode = error instanceof Interruption ? 128 + constants.signals[error.signal] : 1;
  },
);
