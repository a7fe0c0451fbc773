/** One step of the set-up: shown, timed, skipped when its result stands, explained when it fails. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** This folder: what set-up brings along lies here. */
export const HERE = dirname(fileURLToPath(import.meta.url));

/** Where set-up puts things in a person's folder, `project`. */
export const placesIn = (project) => ({
  /** What set-up notes for itself: stamps of finished steps, logs, the engine's library. */
  state: join(project, ".tuning-fork"),
  venv: join(project, ".venv"),
});

/** A path in the folder of a package that this one depends on. */
export const inPackage = (name, ...parts) =>
  join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), ...parts);

/** A step that failed, with the cause and what a person can do. */
export class StepError extends Error {
  constructor(cause, remedy) {
    super(cause);
    this.remedy = remedy;
  }
}

/** @returns SHA-256 over texts and files: what a step's result depends on. */
export function keyOf(...parts) {
  const hash = createHash("sha256");
  for (const part of parts)
    hash.update(typeof part === "string" ? `${part}\0` : readFileSync(part.file));
  return hash.digest("hex");
}

/** Write a file whole or not at all, so that a kill leaves no half of it. */
export function writeWhole(path, content, mode = 0o666) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, content, { mode });
  renameSync(`${path}.part`, path);
}

/**
 * Do a step unless its stamp says that the same step has been done and `stands()` agrees.
 *
 * The stamp is removed before and written after, so that a kill at any moment means: do it again.
 */
export async function step(project, title, { name, key, stands, run }) {
  const stamp = join(placesIn(project).state, "steps", name);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === key && stands()) return false;
  rmSync(stamp, { force: true });
  const from = Date.now();
  process.stdout.write(`• ${title} …\n`);
  await run();
  writeWhole(stamp, key);
  process.stdout.write(`  done in ${((Date.now() - from) / 1000).toFixed(0)} s\n`);
  return true;
}

const CAUSES = [
  [
    /ENOSPC|No space left on device/i,
    "the disk is full",
    "free about 3 GB and run the same command again; it goes on where it stopped",
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|Temporary failure in name resolution|NewConnectionError|Failed to establish a new connection|network/i,
    "the package registry could not be reached",
    "check the network (and proxy settings), then run the same command again; it goes on where it stopped",
  ],
  [
    /EACCES|Permission denied/i,
    "a file may not be written",
    "check the owner of the project's folder",
  ],
  [
    /THESE PACKAGES DO NOT MATCH THE HASHES|EINTEGRITY/i,
    "a downloaded package is not the pinned one",
    "run the same command again; if it stays so, do not use the file: something changed it on its way",
  ],
];

/**
 * Run a program of a step, its output kept in a log file; a dot line shows that it lives.
 *
 * @throws StepError with the likely cause, the last lines and the log's place
 */
export async function runLogged(project, log, command, args, { remedy } = {}) {
  const logFile = join(placesIn(project).state, "logs", `${log}.log`);
  mkdirSync(dirname(logFile), { recursive: true });
  const out = createWriteStream(logFile);
  let tail = "";
  const from = Date.now();
  const beat = setInterval(
    () => process.stdout.write(`  … ${Math.round((Date.now() - from) / 1000)} s\n`),
    15000,
  );
  try {
    const code = await new Promise((done, fail) => {
      // The guard's own standard input tells it when this process is gone.
      const child = spawn(process.execPath, [join(HERE, "guard.mjs"), command, ...args], {
        cwd: project,
        detached: true,
        stdio: "pipe",
      });
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk) => {
          out.write(chunk);
          tail = (tail + chunk).slice(-20000);
        });
      child.on("error", fail);
      child.on("close", (status, signal) => done(signal ?? status));
    });
    if (code === 0) return tail;
    if (code === 127 && tail.includes(`${command}: ENOENT`))
      throw new StepError(
        `the program \`${command}\` is not there`,
        remedy ?? `install ${command}`,
      );
    const known = CAUSES.find(([pattern]) => pattern.test(tail));
    const last = tail.trim().split("\n").slice(-8).join("\n    ");
    throw new StepError(
      `${known ? known[1] : `\`${command} ${args[0] ?? ""}\` ended with ${code}`}\n    ${last}`,
      `${known ? known[2] : (remedy ?? "read the log, mend it, and run the same command again")} (log: ${logFile})`,
    );
  } finally {
    clearInterval(beat);
    out.end();
  }
}

/** Refuse early when the disk cannot hold what is to come. */
export function needDisk(project, bytes) {
  const { bavail, bsize } = statfsSync(project);
  if (bavail * bsize < bytes)
    throw new StepError(
      `${(bytes / 1e9).toFixed(1)} GB of disk are needed and ${((bavail * bsize) / 1e9).toFixed(1)} GB are free`,
      "free some space and run the same command again",
    );
}
