import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createPlan, unitKey } from "#lib/cluster/plan";
import { PlanFolder } from "#lib/cluster/plan-folder";

/** What runs a unit here: {@link writeFakePlan} makes them. */
export const FAKE_UNIT = [process.execPath, resolve(__dirname, "fake-unit.cjs")];

/** A plan of units that take no time: name → what `fake-unit.cjs` is to do, and for how long. */
export function writeFakePlan(
  path: string,
  units: Readonly<Record<string, readonly [what: string, ...more: string[]]>>,
): PlanFolder {
  const folder = new PlanFolder(path);
  const made = Object.entries(units).map(([name, [what, ...more]]) => {
    const output = join(folder.path, "parts", `${name}.csv`);
    const args = [what, output, ...more];
    return { name, args, output, key: unitKey(args, null) };
  });
  folder.write(createPlan({ kind: "shards", settings: {}, units: made }));
  return folder;
}

/** Which unit was worked on by which process, in the order of their beginnings. */
export function callsOf({ path }: PlanFolder): { unit: string; pid: number }[] {
  if (!existsSync(join(path, "calls.txt"))) return [];
  const lines = readFileSync(join(path, "calls.txt"), "utf8").trim().split("\n");
  return lines.map((line) => ({ unit: line.split(" ")[0], pid: Number(line.split(" ")[1]) }));
}

/** Submit a plan in a process of its own. */
export function submitApart(folder: PlanFolder, on: string, options: object = {}): ChildProcess {
  const script = resolve(__dirname, "fake-submit.cjs");
  return spawn(process.execPath, [script, folder.path, on, JSON.stringify(options)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** Wait until something holds. @throws Error after so many seconds */
export async function until(what: () => boolean | Promise<boolean>, seconds = 30): Promise<void> {
  for (let i = 0; i < 50 * seconds; i++) {
    if (await what()) return;
    await sleep(20);
  }
  throw new Error(`in vain: ${what}`);
}

/** Whether a process is there. */
export function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
