/**
 * Compile `lib` and `kernel`, each to its `dist`: `npm run build`, and part of set-up. What an earlier
 * build made of a file that is gone is removed, so that nothing imports or ships it.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./setup/step.mjs";

const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");

for (const room of ["lib", "kernel"]) {
  const source = join(ROOT, room);
  const dist = join(source, "dist");
  const built = existsSync(dist) ? readdirSync(dist, { recursive: true }) : [];
  for (const file of built) {
    const [name, ending] = file.split(/\.(js\.map|d\.ts|js)$/);
    if (ending === undefined || existsSync(join(source, `${name}.ts`))) continue;
    rmSync(join(dist, file));
  }
  const args = [compiler, "-p", source, ...process.argv.slice(2)];
  spawn(process.execPath, args, { stdio: "inherit" }).on("close", (code) => {
    if (code !== 0) process.exitCode = code ?? 1;
  });
}
