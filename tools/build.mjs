/**
 * Compile `lib` to `lib/dist`: `npm run build`, and part of set-up. What an earlier build made of a file
 * that is gone is removed, so that nothing imports or ships it.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./setup/step.mjs";

const LIB = join(ROOT, "lib");
const DIST = join(LIB, "dist");

const built = existsSync(DIST) ? readdirSync(DIST, { recursive: true }) : [];
for (const name of built) {
  const [source, ending] = name.split(/\.(js\.map|d\.ts|js)$/);
  if (ending === undefined || existsSync(join(LIB, `${source}.ts`))) continue;
  rmSync(join(DIST, name));
}

const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
const { status } = spawnSync(process.execPath, [compiler, "-p", LIB, ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.exitCode = status ?? 1;
