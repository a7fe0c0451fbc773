import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** The folder of this package: what ships with it lies here, whatever the working folder is. */
export const packageFolder: string = resolve(__dirname, "..", "..");

/** What set-up keeps in a project; the folder that holds it is a project. */
const STATE = ".tuning-fork";

/**
 * The folder in which a person works: it holds `data/`, `results/` and what set-up made.
 *
 * It is the nearest one, from the working folder upwards, in which set-up has run or this package is
 * installed. Where there is none, it is this repository, if the package runs from it, else the working folder.
 */
export function projectFolder(): string {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const marks = [STATE, join("node_modules", "tuning-fork")];
    if (marks.some((mark) => existsSync(join(folder, mark)))) return folder;
    if (folder === dirname(folder)) break;
  }
  const above = dirname(packageFolder);
  return basename(above) === "node_modules" ? process.cwd() : above;
}

/**
 * A path in the folder that set-up keeps: the chosen engine, its libraries, logs.
 *
 * @param parts Below it; without any, the folder itself.
 */
export function stateFolder(...parts: readonly string[]): string {
  return join(projectFolder(), STATE, ...parts);
}

/**
 * A path in the folder of data sets, downloaded weights and packed pixels: the project's `data/`.
 *
 * @param parts Below it; without any, the folder itself.
 */
export function dataFolder(...parts: readonly string[]): string {
  return join(projectFolder(), "data", ...parts);
}

/**
 * A path in the folder of runs: `TUNING_FORK_RESULTS` where that is set, else the project's `results/`.
 *
 * @param parts Below it; without any, the folder itself.
 */
export function resultsFolder(...parts: readonly string[]): string {
  const folder = process.env.TUNING_FORK_RESULTS || join(projectFolder(), "results");
  return join(folder, ...parts);
}

/**
 * A file that somebody named: as seen from the working folder, else, if it is there, from the project.
 * So a notebook, which runs in its own folder, and the command take the same path.
 */
export function findPath(path: string): string {
  if (existsSync(path)) return path;
  const inProject = resolve(projectFolder(), path);
  return existsSync(inProject) ? inProject : path;
}
