import { existsSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../core/errors";
import { kernelHost } from "../core/kernel-host";
import { replaceFile, writeError } from "./atomic";
import { DIGEST_LIST, recordDigest, recordedDigest, sha256 } from "./digests";
import {
  attempt,
  type DownloadOptions,
  forget,
  isPage,
  size,
  Temporary,
  webPage,
} from "./download-attempt";
import { acquireLock, withLock } from "./lock";

/** Longest pause that a server can ask for, milliseconds. */
const longestWait = 120_000;

/** An attempt that brings less than this has brought nothing new, bytes. */
const PROGRESS = 1024;

/**
 * Download a file. It appears under its name only when it is whole and its digest is right; until
 * then it is `<path>.part`, and an interrupted download goes on from there.
 *
 * @throws UserError saying what the server answered; after a wrong digest nothing is kept.
 */
export async function download(
  url: string,
  path: string,
  options: DownloadOptions = {},
): Promise<void> {
  const expected = options.sha256 ?? (await recordedDigest(path));
  if (await stat(path).catch(() => undefined)) {
    if (!expected || (await sha256(path)) === expected) return removeLeftovers(path);
    throw new UserError(
      `${path}: its SHA-256 is not ${expected}.`,
      `Delete the file, then it is downloaded again. ${options.sha256 ? "" : howToForget(path)}`.trim(),
    );
  }
  await withLock(
    `${path}.lock`,
    path,
    async () => {
      // Another process may have brought it meanwhile.
      if (await stat(path).catch(() => undefined)) return;
      const signal = options.signal ?? kernelHost()?.signal;
      await fetchWhole(url, path, expected, { ...options, signal });
    },
    options,
  );
}

/** What a process left that was killed after it had given the file its name. */
async function removeLeftovers(path: string): Promise<void> {
  if (!existsSync(`${path}.lock`)) return;
  try {
    const release = acquireLock(`${path}.lock`, path);
    await forget(path).finally(release);
  } catch {} // it belongs to a process that is at work, or the folder is only read
}

async function fetchWhole(
  url: string,
  path: string,
  expected: string | undefined,
  options: DownloadOptions,
): Promise<void> {
  const { attempts = 6, backOff = 1000 } = options;
  for (let failures = 0; ; ) {
    const before = await size(`${path}.part`);
    try {
      await attempt(url, path, options);
      break;
    } catch (error) {
      if (!(error instanceof Temporary)) throw writeError(path, error);
      failures = (await size(`${path}.part`)) >= before + PROGRESS ? 1 : failures + 1;
      if (failures >= attempts) {
        throw new UserError(
          `${url}: ${error.message}, ${attempts} times in a row.`,
          "Check the network and run again: the download goes on where it stopped.",
          { cause: error },
        );
      }
      const wait = error.wait ?? backOff * 2 ** (failures - 1);
      await sleep(Math.min(wait, longestWait), undefined, { signal: options.signal });
    }
  }
  if (/^\s*<(!doctype html|html)/i.test(await beginning(`${path}.part`)) && !isPage(path)) {
    await forget(path);
    throw webPage(url, path);
  }
  const digest = expected || options.record !== false ? await sha256(`${path}.part`) : "";
  if (expected && digest !== expected) {
    await forget(path);
    throw new UserError(
      `${url}: the SHA-256 of what came is ${digest}; expected ${expected}. Nothing was kept.`,
      `Run again; if it stays so, the file at the source has changed. ${options.sha256 ? "" : howToForget(path)}`.trim(),
    );
  }
  if (!expected && options.record !== false) await recordDigest(path, digest);
  replaceFile(`${path}.part`, path);
  await forget(path);
}

/** What to do where the digest is the one of the first download, which may have been the wrong one. */
function howToForget(path: string): string {
  const list = join(dirname(path), DIGEST_LIST);
  return `The SHA-256 was recorded when the file first came: to forget it, delete the line ${basename(path)} of ${list}.`;
}

/** The first letters of a file. */
async function beginning(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } finally {
    await file.close();
  }
}
