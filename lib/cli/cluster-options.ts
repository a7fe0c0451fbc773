import type { PlanStatus } from "../cluster/plan-status";
import { runners } from "../cluster/registry";
import type { Runner } from "../cluster/runner";
import { UserError } from "../core/errors";
import { printable } from "../core/printable";
import { type Options, say, type Values } from "./verb";

/** Options of what is written for Slurm. */
export const slurmOptions = {
  "at-once": {
    type: "integer",
    value: "N",
    help: "How many units run at once. Default: on this machine one, or one for each GPU with --gpus; elsewhere as many as there is room for.",
    least: 1,
  },
  cpus: {
    type: "integer",
    value: "N",
    help: "Cores of a unit. Default: on this machine all, elsewhere 1.",
    least: 1,
  },
  gpus: { type: "integer", value: "N", help: "GPUs of a unit.", default: 0, least: 0 },
  sbatch: {
    type: "text",
    value: "ARGUMENT",
    help: "For Slurm, such as --sbatch=--partition=gpu or --sbatch=--time=2:00:00.",
    multiple: true,
  },
} as const satisfies Options;

/** Options of the verbs that ask a runner. */
export const runnerOptions = {
  on: {
    type: "choice",
    choices: Object.keys(runners),
    help: `Where units run. ${Object.entries(runners)
      .map(([name, { sentence }]) => `${name}: ${sentence}`)
      .join("; ")}.`,
    default: "local",
  },
  ...slurmOptions,
  address: {
    type: "text",
    value: "URL",
    help: "Where Ray's dashboard listens. Default RAY_ADDRESS, else http://127.0.0.1:8265.",
  },
} as const satisfies Options;

/** The runner that the options name. @throws UserError when it is not there, or an option is not for it */
export function openRunner({
  on,
  "at-once": atOnce,
  address,
  sbatch,
  ...options
}: Values<typeof runnerOptions>): Promise<Runner> {
  const own = { ...(address && { address }), ...(sbatch.length > 0 && { sbatch }) };
  const idle = (["address", "sbatch"] as const).find(
    (key) => key in own && !runners[on].takes.includes(key),
  );
  if (idle !== undefined) {
    throw new UserError(`--${idle} has no effect on ${on}`, "leave it out, or give another --on");
  }
  return runners[on].open({ atOnce, ...own, ...options });
}

/** Say how far a plan is, and why units failed. */
export function showStatus({ units, counts }: PlanStatus): void {
  const seconds = units.map((unit) => unit.seconds ?? 0);
  const memory = Math.max(0, ...units.map((unit) => unit.peakMemory ?? 0));
  const hours = seconds.reduce((sum, own) => sum + own, 0) / 3600;
  const used = `${hours.toFixed(2)} hours of units, at most ${(memory / 1e9).toFixed(2)} GB each`;
  const told = Object.entries(counts).filter(([, count]) => count > 0);
  say(
    `${told.map(([state, count]) => `${count} ${state}`).join(", ")} of ${units.length} (${used})`,
  );
  for (const { name, state, attempts, reason, log } of units) {
    if (state === "started" || state === "stopped") say(`  ${name} ${state}`);
    if (state !== "failed") continue;
    say(`✗ ${name} ${reason}, after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}`);
    if (log) say(printable(log).replace(/^/gm, "    "));
  }
}
