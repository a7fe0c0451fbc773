import { dirname } from "node:path";
import { endOfProcess } from "./job-end";
import type { Job, JobState } from "./runner";

/** Exit codes of a node that lacks something. */
const [NO_PROJECT, NO_FOLDER] = [97, 98];

/** A word that a shell takes as it is. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * A job as a line of POSIX shell for a node of a cluster: it says by its exit code when the node has no
 * project, or does not see the plan's folder. Node.js is taken from where it stands here, else from the path.
 *
 * @param cpus Cores: the engine takes no more threads for an op.
 */
export function shellCommand({ command, log }: Job, cpus: number): string {
  const [program, script, ...args] = command;
  return [
    `export TF_NUM_INTRAOP_THREADS=${cpus}`,
    `test -f ${quoted(script)} || exit ${NO_PROJECT}`,
    `test -d ${quoted(dirname(log))} || exit ${NO_FOLDER}`,
    `n=${quoted(program)}; test -x "$n" || n=node`,
    `exec "$n" ${[script, ...args].map(quoted).join(" ")} >> ${quoted(log)} 2>&1`,
  ].join("; ");
}

/** What the exit code of a {@link shellCommand} says. */
export function endOf(code: number): JobState {
  const why = {
    [NO_PROJECT]:
      "ended on a node without this project: put it at the same place on every node, in a shared folder say",
    [NO_FOLDER]:
      "ended on a node that does not see the plan's folder: put the plan into a folder that every node has at the same place",
  }[code];
  return { state: "ended", reason: why ?? endOfProcess(code) };
}
