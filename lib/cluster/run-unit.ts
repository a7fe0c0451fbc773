import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { UserError } from "../core/errors";
import { VERSION } from "../core/version";
import type { PlanFolder } from "./plan-folder";

/** A unit looks so often whether whoever started it is there, ms. */
const WATCH = 500;
/** So long it has then for writing its checkpoint, ms. */
const GRACE = 15_000;

/**
 * Do a unit in this process, and note that its output stands. Nothing is done where it stands already.
 *
 * It ends when the process that started it is gone, so that none is left behind.
 *
 * @param call What `tuning-fork` does with these arguments; gives the exit code.
 * @returns the exit code
 * @throws UserError when this machine does not see the plan, or has another version of the project
 */
export async function runUnit(
  folder: PlanFolder,
  name: string,
  call: (args: readonly string[]) => Promise<number>,
): Promise<number> {
  const host = hostname();
  if (!folder.exists) {
    throw new UserError(
      `the machine ${host} does not see the plan's folder ${folder.path}`,
      "put the plan into a folder that every node has at the same place",
    );
  }
  const plan = folder.read();
  if (plan.version !== VERSION) {
    throw new UserError(
      `the machine ${host} has tuning-fork ${VERSION}, and the plan was made by ${plan.version}`,
      "give every node the same version, or submit the plan again by this one",
    );
  }
  const unit = plan.units.find((one) => one.name === name);
  if (unit === undefined) {
    throw new UserError(`the plan has no unit "${name}"`, "see `tuning-fork cluster status`");
  }
  if (folder.done(unit)) return 0;
  const started = performance.now();
  folder.writeProcess(unit, { host, pid: process.pid });
  const watch = endWithParent();
  try {
    process.chdir(plan.folder);
    const code = await call(unit.args);
    if (code !== 0) return code;
  } finally {
    clearInterval(watch);
  }
  if (!existsSync(unit.output)) {
    throw new UserError(
      `tuning-fork ${unit.args[0]} ended well, and ${unit.output} is not there`,
      "was it removed meanwhile? submit the plan again",
    );
  }
  folder.writeDone(unit, {
    host,
    seconds: (performance.now() - started) / 1000,
    // Linux says it in KiB, macOS in bytes; Node makes KiB of both.
    peakMemory: process.resourceUsage().maxRSS * 1024,
  });
  return 0;
}

function endWithParent(): NodeJS.Timeout {
  const parent = process.ppid;
  let asked = 0;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    // A training writes its checkpoint first.
    if (asked === 0) process.kill(process.pid, "SIGTERM");
    else if (Date.now() - asked > GRACE) process.exit(143);
    asked ||= Date.now();
  }, WATCH);
  return watch.unref();
}
