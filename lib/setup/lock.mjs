/** One set-up at a time, by a file that says who is at work; as lib/io/lock.ts, which is not compiled yet. */
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { StepError } from "./step.mjs";

/** @returns when a process began, so that another one with its number is not taken for it */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch {
    return "";
  }
}

function isAlive({ host, pid, started }) {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== "EPERM") return false;
  }
  return started === "" || startOf(pid) === "" || startOf(pid) === started;
}

/** A file that comes under its name with its content; false if it is there already. */
function create(path, owner) {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.partial`;
  writeFileSync(temporary, JSON.stringify(owner));
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** @returns what the file says, undefined where it is gone or says nothing */
function ownerOf(path) {
  try {
    const owner = JSON.parse(readFileSync(path, "utf8"));
    return Number.isInteger(owner?.pid) ? owner : undefined;
  } catch {
    return undefined;
  }
}

function user() {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.());
  }
}

/**
 * Take the lock until this process ends.
 *
 * @throws StepError saying who has it
 */
export function takeLock(path) {
  const token = randomBytes(8).toString("hex");
  const mine = {
    host: hostname(),
    pid: process.pid,
    user: user(),
    started: startOf(process.pid),
    token,
  };
  for (let attempt = 0; !create(path, mine); attempt++) {
    const owner = ownerOf(path);
    if (owner !== undefined && isAlive(owner)) {
      const where = owner.host === mine.host ? "" : ` on the host ${owner.host}`;
      const whose = owner.user === mine.user ? "" : ` of the user ${owner.user}`;
      throw new StepError(
        `another set-up runs here (process ${owner.pid}${whose}${where})`,
        where === "" ? "wait for it, or end it" : `wait for it; if it has ended, delete ${path}`,
      );
    }
    if (attempt === 25)
      throw new StepError(
        `${path} cannot be taken over from a set-up that ended`,
        `delete ${path}`,
      );
    // Of several that find a dead one, only the one with the claim removes it.
    const claim = `${path}.${owner?.token ?? "unknown"}`;
    if (create(claim, mine)) {
      if (ownerOf(path)?.token === owner?.token) rmSync(path, { force: true });
      rmSync(claim, { force: true });
    } else {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
  process.once("exit", () => {
    if (ownerOf(path)?.token === token) rmSync(path, { force: true });
  });
}
