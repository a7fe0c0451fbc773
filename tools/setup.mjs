/**
 * Set-up of this repository: `npm run setup -- [--engine cpu|cuda|wasm] [--force]`, and part of `npm start`
 * and `npm test`. Beside what `npx tuning-fork setup` does in any folder, it fetches the packages and
 * compiles the library.
 */
import { parseArgs } from "node:util";
import { beginSetUp, failWith, setUp } from "../lib/setup/set-up.mjs";
import { runLogged } from "../lib/setup/step.mjs";
import { installPackages } from "./packages.mjs";
import { inRepository, ROOT } from "./repository.mjs";

/**
 * Bring the repository from wherever it stands to ready.
 *
 * @param options `engine`: the rung asked for; `force`: do every step again
 */
export async function setUpRepository({ engine, force } = {}) {
  beginSetUp(ROOT, { force });
  await installPackages();
  await runLogged(ROOT, "build", process.execPath, [inRepository("tools", "build.mjs")], {
    remedy: "the library does not compile; the lines above say where",
  });
  await setUp(ROOT, { engine });
}

if (process.argv[1] === import.meta.filename) {
  try {
    const { values } = parseArgs({
      options: { engine: { type: "string" }, force: { type: "boolean" } },
    });
    await setUpRepository(values);
    console.log("Set up.");
  } catch (error) {
    failWith(error);
  }
}
