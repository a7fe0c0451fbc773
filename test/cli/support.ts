import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { command } from "#lib/cli/command";

export const COMMAND = resolve(__dirname, "..", "..", "lib", "bin", "tuning-fork.js");

/** How a command ended, and what it said. */
export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** Run `tuning-fork` as a person would. */
export function tuningFork(...args: string[]): Said {
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    encoding: "utf8",
    env,
  });
  return { code: status, out: stdout, error: stderr };
}

/** As {@link tuningFork}, in this process, which has loaded everything already: ten times as fast. */
export async function tuningForkHere(...args: string[]): Promise<Said> {
  const streams = { out: process.stdout, error: process.stderr };
  const writes = { out: streams.out.write, error: streams.error.write };
  const said = { out: "", error: "" };
  for (const name of ["out", "error"] as const) {
    streams[name].write = (text: string | Uint8Array) => {
      said[name] += typeof text === "string" ? text : Buffer.from(text).toString();
      return true;
    };
  }
  try {
    const code = await command(args);
    return { code, ...said };
  } finally {
    for (const name of ["out", "error"] as const) streams[name].write = writes[name];
  }
}
