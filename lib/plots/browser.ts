import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser } from "playwright-core";
import { UserError } from "../errors";

/** A Chromium that can be started. */
export interface BrowserChoice {
  /** The executable. */
  readonly path: string;
  /** Where it was found. */
  readonly source: "TUNING_FORK_BROWSER" | "machine" | "npm";
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
 * that comes as an npm package (Linux on x86-64), which unpacks itself into the temporary folder.
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
    const { default: chromium } = await import("@sparticuz/chromium");
    const path = await chromium.executablePath();
    // One process for everything saves memory in a cloud function, but dies with its first page.
    const args = chromium.args.filter((arg) => arg !== "--single-process" && arg !== "--no-zygote");
    return { path, source: "npm", args: [...args, ...argumentsHere()] };
  } catch (cause) {
    throw new UserError(
      `No Chromium was found, and the one from npm could not be unpacked (${String(cause)})`,
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
  for (let attempt = 1; ; attempt++) {
    try {
      return await chromium.launch({
        executablePath: choice.path,
        args: [...choice.args],
        headless: true,
        timeout: 60_000,
      });
    } catch (cause) {
      // Another process may still be unpacking the same file.
      if (choice.source === "npm" && attempt < 4) {
        await sleep(1500);
        continue;
      }
      const reason =
        cause instanceof Error ? cause.message.split("\n").slice(0, 12).join("\n") : "";
      throw new UserError(`The browser ${choice.path} does not start: ${reason}`, REMEDY, {
        cause,
      });
    }
  }
}
