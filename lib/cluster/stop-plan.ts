import { existsSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../core/errors";
import { writeFileAtomic } from "../io/atomic";
import { acquireLock } from "../io/lock";
import type { PlanFolder } from "./plan-folder";
import type { Runner } from "./runner";

/**
 * End the units of a plan that run. What is done is kept.
 *
 * Where a process starts the plan's units, on whichever machine, it is told to stop them and to end.
 *
 * @param seconds How long is waited for that process. Default 60.
 * @throws UserError when it does not answer
 */
export async function stopPlan(folder: PlanFolder, runner: Runner, seconds = 60): Promise<void> {
  const { units } = folder.read();
  let release: (() => void) | undefined;
  writeFileAtomic(folder.stopPath, "");
  for (const end = Date.now() + 1000 * seconds; ; await sleep(100)) {
    release = tryLock(folder);
    if (release || Date.now() > end) break;
  }
  if (release === undefined) {
    throw new UserError(
      `the process that starts the units of ${folder.path} has not ended within ${seconds} s`,
      "wait and ask `tuning-fork cluster status`, or end that process",
    );
  }
  try {
    if (existsSync(folder.stopPath)) {
      // Nobody was there to see it: units on a cluster go on without the process that started them.
      for (const unit of units) {
        const attempt = folder.attempt(unit);
        if (!attempt || attempt.failed || attempt.stopped || attempt.runner !== runner.name)
          continue;
        if (folder.done(unit)) continue;
        await runner.stop(attempt.handle);
        folder.writeAttempt(unit, { ...attempt, stopped: true });
      }
    }
  } finally {
    rmSync(folder.stopPath, { force: true });
    release();
  }
}

function tryLock(folder: PlanFolder): (() => void) | undefined {
  try {
    return acquireLock(folder.lockPath, `the plan in ${folder.path}`);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
