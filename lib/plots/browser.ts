import { spawnSync } from "node:child_process";
import { accessSync, constants, rmSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { UserError } from "../core/errors";
import { packed, unpackChromium } from "./unpack-chromium";

/** A Chromium that can be started. */
export interface BrowserChoice {
  /** The executable. */
  readonly path: string;
  /** Where it was found. */
  readonly source: "TUNING_FORK_BROWSER" | "machine" | "npm";
  /** Command-line arguments that it needs on this machine. */
  readonly args: readonly string[];
}

const COMMANDS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const APPLICATIONS = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];
const REMEDY =
  "Install Chromium or Google Chrome, or set TUNING_FORK_BROWSER to the path of one. " +
  "Interactive HTML needs no browser to be written.";

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function argumentsHere(): string[] {
  // Chromium refuses to sandbox itself for root, and containers have a small /dev/shm.
  const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return [...root, "--disable-dev-shm-usage", "--font-render-hinting=none"];
}

/**
 * Find a Chromium: the one that `TUNING_FORK_BROWSER` names, else one on the `PATH`, else the one
 * that comes as an npm package (Linux on x86-64); see {@link unpackChromium}.
 *
 * @throws UserError where there is none, or the named one cannot be executed.
 */
export async function findBrowser(): Promise<BrowserChoice> {
  const named = process.env.TUNING_FORK_BROWSER;
  if (named) {
    if (!executable(named))
      throw new UserError(`TUNING_FORK_BROWSER is ${named}, which cannot be executed`, REMEDY);
    return { path: named, source: "TUNING_FORK_BROWSER", args: argumentsHere() };
  }
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const candidates = [
    ...COMMANDS.flatMap((name) => folders.map((folder) => join(folder, name))),
    ...APPLICATIONS,
  ];
  const found = candidates.find(executable);
  if (found !== undefined) return { path: found, source: "machine", args: argumentsHere() };

  if (process.platform !== "linux" || process.arch !== "x64")
    throw new UserError("No Chromium was found on this machine", REMEDY);
  try {
    const path = await unpackChromium();
    // Of the package's own arguments none: most are for cloud functions, and they take away the web's
    // security. The build has no sandbox helper.
    return { path, source: "npm", args: ["--no-sandbox", ...argumentsHere()] };
  } catch (cause) {
    const why = cause instanceof UserError ? cause.problem : String(cause);
    throw new UserError(
      `No Chromium was found, and the one from npm could not be unpacked: ${why}`,
      REMEDY,
      { cause },
    );
  }
}

/**
 * Start a headless Chromium, driven by playwright. The caller closes it.
 *
 * @throws UserError where none is found or it does not start.
 */
export async function openBrowser(): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  const choice = await findBrowser();
  let libraries: string | undefined;
  for (;;) {
    try {
      return await chromium.launch({
        executablePath: choice.path,
        args: [...choice.args],
        headless: true,
        env: libraries === undefined ? undefined : environmentWith(libraries),
        timeout: 60_000,
      });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      // A bare machine lacks the few libraries that the package brings along.
      const lacking = /error while loading shared libraries/.test(reason);
      if (choice.source === "npm" && lacking && libraries === undefined) {
        libraries = await unpackLibraries();
        continue;
      }
      const lines = reason.split("\n").slice(0, 12).join("\n");
      throw new UserError(`The browser ${choice.path} does not start: ${lines}`, REMEDY, { cause });
    }
  }
}

/** Unpack the network security libraries that come with the npm package; returns their folder. */
async function unpackLibraries(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "chromium-libraries-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const input = brotliDecompressSync(await readFile(packed("al2023.tar.br")));
  const { status, stderr } = spawnSync("tar", ["-x", "-C", folder], { input });
  if (status !== 0)
    throw new UserError(`The browser's libraries cannot be unpacked: ${String(stderr)}`, REMEDY);
  return join(folder, "lib");
}

function environmentWith(libraries: string): Record<string, string> {
  const all = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  const path = process.env.LD_LIBRARY_PATH;
  return { ...Object.fromEntries(all), LD_LIBRARY_PATH: path ? `${libraries}:${path}` : libraries };
}
