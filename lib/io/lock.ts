import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { UserError } from "../core/errors";
import { codeOf, makeFolder, temporaryPath, writeError } from "./atomic";

/** Who holds a lock, as its file says. */
const ownerSchema = z.object({
  host: z.string(),
  pid: z.int().positive(),
  /** Whose process. */
  user: z.string(),
  /** When the process began: another one may have its number by now. Empty where it is not known. */
  started: z.string(),
  /** Tells this lock from every other. */
  token: z.string(),
});
type Owner = z.output<typeof ownerSchema>;

/**
 * Keep other processes out of something, by a file that says who is at work.
 *
 * A lock whose process has ended is taken over. One of another host is not, since nobody here can see
 * whether its process lives.
 *
 * @param path The lock's file; its folder is made.
 * @param what The thing that is locked, for messages: a run's folder, a file.
 * @returns what gives the lock back
 * @throws UserError saying who holds it, and what to do
 */
export function acquireLock(path: string, what: string): () => void {
  const { release, owner } = tryLock(path);
  if (release) return release;
  throw heldError(path, what, owner);
}

/** How {@link withLock} waits. */
export interface LockOptions {
  /** Called once, when another process holds the lock: it says who, in a sentence. */
  readonly onWait?: (message: string) => void;
  /** Ends the wait. Default: none. */
  readonly signal?: AbortSignal;
}

/**
 * Do something that only one process at a time may do; wait for another one of this host that is at it.
 *
 * @param path The lock's file; its folder is made.
 * @param what The thing that is locked, for messages.
 * @throws UserError when a process of another host holds the lock, or it does not say who
 */
export async function withLock<T>(
  path: string,
  what: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  let told = false;
  for (;;) {
    const { release, owner } = tryLock(path);
    if (release) {
      try {
        return await work();
      } finally {
        release();
      }
    }
    const held = heldError(path, what, owner);
    if (owner?.host !== hostname()) throw held;
    if (!told) options.onWait?.(held.problem);
    told = true;
    await sleep(200, undefined, { signal: options.signal });
  }
}

/**
 * Remove the lock that a process of another host left, which is known to have ended: nobody here can see
 * that, but a cluster that ran it can say so. Locks of this host's processes are taken over anyhow.
 */
export function breakLock(path: string, { host, pid }: { host: string; pid: number }): void {
  const owner = ownerOf(path);
  const isTheirs = owner !== undefined && owner.host === host && owner.pid === pid;
  if (isTheirs && host !== hostname()) rmSync(path, { force: true });
}

/** Undefined for both: a lock that does not say whose it is. */
function tryLock(path: string): { release?: () => void; owner?: Owner } {
  makeFolder(dirname(path));
  const mine: Owner = {
    host: hostname(),
    pid: process.pid,
    user: userName(),
    started: startOf(process.pid),
    token: randomBytes(8).toString("hex"),
  };
  for (let attempt = 0; attempt < 25; attempt++) {
    if (create(path, mine)) return { release: () => release(path, mine.token) };
    const owner = ownerOf(path);
    if (owner !== undefined && isAlive(owner)) return { owner };
    // A file without an owner is gone by now, or is being written this moment.
    if (owner === undefined || !clear(path, owner, mine)) pause(20);
  }
  return {};
}

/**
 * Remove a dead lock. Of several processes that find it, only the one that makes the claim does so; one
 * that comes later sees by the token that another lock stands there by now.
 */
function clear(path: string, dead: Owner, mine: Owner): boolean {
  const claim = `${path}.${dead.token}`;
  if (!create(claim, mine)) return false;
  try {
    if (ownerOf(path)?.token === dead.token) rmSync(path, { force: true });
  } finally {
    rmSync(claim, { force: true });
  }
  return true;
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/**
 * Write a file that is not there; false if it is. It comes under its name with its content, so that a
 * process that is killed meanwhile, or a full disk, leaves no lock without an owner.
 */
function create(path: string, owner: Owner): boolean {
  const content = `${JSON.stringify(owner)}\n`;
  const temporary = temporaryPath(path);
  try {
    writeFileSync(temporary, content);
    try {
      linkSync(temporary, path);
    } catch (error) {
      if (!LINKLESS.has(codeOf(error))) throw error;
      writeFileSync(path, content, { flag: "wx" });
    }
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw writeError(path, error);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** What file systems without hard links answer. */
const LINKLESS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** Only its own lock is removed: a person may have deleted it, and another process made one. */
function release(path: string, token: string): void {
  if (ownerOf(path)?.token === token) rmSync(path, { force: true });
}

/** @returns undefined for a file that is gone, or is being written this moment, or is no lock */
function ownerOf(path: string): Owner | undefined {
  try {
    return ownerSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** A process of another host is taken to be alive. */
function isAlive(owner: Owner): boolean {
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    if (codeOf(error) !== "EPERM") return false;
  }
  const started = startOf(owner.pid);
  return owner.started === "" || started === "" || started === owner.started;
}

/**
 * When a process of this host began, as text to compare; empty where there is none of this number, or the
 * system does not say.
 */
export function startOf(pid: number): string {
  try {
    if (process.platform === "linux") {
      // The name in brackets may hold spaces; the start, in ticks since boot, is the 20th word after it.
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
      return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${ticks}`;
    }
    if (process.platform === "win32") return "";
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}

/** The name of this process's user, or the number where the system knows no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.());
  }
}

function heldError(path: string, what: string, owner: Owner | undefined): UserError {
  if (owner === undefined) {
    return new UserError(
      `${what} is locked by ${path}, which does not say by whom`,
      `if no process is at work there, delete ${path}`,
    );
  }
  if (owner.host !== hostname()) {
    return new UserError(
      `process ${owner.pid} of the host ${owner.host} is at work on ${what}`,
      `wait for it; if it has ended (this host cannot see that), delete ${path}`,
    );
  }
  if (owner.pid === process.pid) {
    return new UserError(
      `this process is already at work on ${what}`,
      "wait for it to end, or restart the kernel",
    );
  }
  if (owner.user !== userName()) {
    return new UserError(
      `process ${owner.pid} of the user ${owner.user} is at work on ${what}`,
      "wait for it, or give another path",
    );
  }
  return new UserError(
    `process ${owner.pid} is at work on ${what}`,
    "wait for it, end it, or give another path",
  );
}
