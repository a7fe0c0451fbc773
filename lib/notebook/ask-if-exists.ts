import { createInterface } from "node:readline/promises";
import { kernelHost } from "../core/kernel-host";
import type { Experiment } from "../train/experiment";
import type { IfExists } from "../train/experiment-state";
import { untilInterrupted } from "./interrupt";

/**
 * What is done where a folder holds a run: as {@link IfExists}; `skip` leaves it as it is; `ask` asks the
 * person at the notebook or the terminal, and is `auto` where there is none: in a script, or where a program
 * runs the notebook.
 */
export type IfRunExists = IfExists | "skip" | "ask";

const ANSWERS: Readonly<Record<string, IfExists | "skip">> = {
  r: "resume",
  resume: "resume",
  restart: "restart",
  s: "skip",
  skip: "skip",
};

/** Ask where that is wanted, there is a run, and somebody can answer; wait for nobody otherwise. */
export async function askIfExists(
  { run }: Pick<Experiment, "run">,
  ifExists: IfRunExists,
): Promise<IfExists | "skip"> {
  if (run.status === "absent") return ifExists === "skip" || ifExists === "ask" ? "auto" : ifExists;
  if (ifExists !== "ask") return ifExists;
  const ask = whoAnswers();
  if (ask === undefined) return "auto";
  for (;;) {
    const answer = await ask(`${run.path} holds a run. [r]esume, restart, or [s]kip? `);
    const word = answer.trim().toLowerCase();
    if (Object.hasOwn(ANSWERS, word)) return ANSWERS[word];
  }
}

/** @returns how the person is asked; undefined where there is none */
function whoAnswers(): ((question: string) => Promise<string>) | undefined {
  const kernel = kernelHost();
  if (kernel) {
    const { ask } = kernel;
    return ask && ((question) => untilInterrupted((signal) => ask(question, signal)));
  }
  if (!process.stdin.isTTY) return undefined;
  return async (question) => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await terminal.question(question);
    } finally {
      terminal.close();
    }
  };
}
