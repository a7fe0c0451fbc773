import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

export const COMMAND = resolve(__dirname, "..", "..", "lib", "bin", "tuning-fork.js");

/** Run `tuning-fork` as a person would. */
export function tuningFork(...args: string[]): { code: number | null; out: string; error: string } {
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    encoding: "utf8",
    env,
  });
  return { code: status, out: stdout, error: stderr };
}
