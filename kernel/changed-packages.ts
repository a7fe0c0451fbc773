import { readFileSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";

/** When each file of a package that is being worked on was written, as it was loaded. */
const loaded = new Map<string, number>();
const told = new Set<string>();
const INSTALLED = `${sep}node_modules${sep}`;

/**
 * Packages of which a file that runs here was written anew since: Node keeps what it has loaded. Files
 * in `node_modules` are installed, and left alone.
 *
 * @returns their names, each once
 */
export function changedPackages(): string[] {
  const found = new Set<string>();
  for (const path of Object.keys(require.cache)) {
    if (path.includes(INSTALLED) || path.startsWith(__dirname)) continue;
    const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    const before = loaded.get(path);
    if (before === undefined && written !== undefined) loaded.set(path, written);
    else if (before !== written && !told.has(path)) {
      told.add(path);
      found.add(packageOf(path));
    }
  }
  return [...found];
}

function packageOf(path: string): string {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder))
    try {
      return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).name;
    } catch {
      // further up
    }
  return path;
}
