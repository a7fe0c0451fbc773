import { createInterface } from "node:readline/promises";
import type { Experiment } from "../train/experiment";
import type { IfExists } from "../train/experiment-state";
import { inNotebook } from "./display";

/**
 * What is done where a folder holds a run: as {@link IfExists}; `skip` leaves it as it is; `ask` asks the
 * person at the terminal, and is `auto` where there is none: in a notebook, in a script.
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
  if (inNotebook() || !process.stdin.isTTY) return "auto";
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    for (;;) {
      const question = `${run.path} holds a run. [r]esume, restart, or [s]kip? `;
      const answer = (await terminal.question(question)).trim().toLowerCase();
      if (Object.hasOwn(ANSWERS, answer)) return ANSWERS[answer];
    }
  } finally {
    terminal.close();
  }
}
