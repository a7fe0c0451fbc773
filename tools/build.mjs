/**
 * Compile `lib` and `kernel` into `lib/dist`, which is what ships: `npm run build`, and part of set-up. What
 * an earlier build made of a file that is gone is removed, so that nothing imports or ships it.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { registerKernel } from "../lib/setup/kernel.mjs";
import { venvBin } from "../lib/setup/python.mjs";
import { inRepository, ROOT } from "./repository.mjs";

const compiler = inRepository("node_modules", "typescript", "bin", "tsc");
const dist = inRepository("lib", "dist");

for (const file of existsSync(dist) ? readdirSync(dist, { recursive: true }) : []) {
  const [name, ending] = file.split(/\.(js\.map|d\.ts|js)$/);
  const source = name.startsWith("kernel/") ? inRepository(name) : inRepository("lib", name);
  if (ending !== undefined && !existsSync(`${source}.ts`)) rmSync(join(dist, file));
}
for (const room of ["lib", "kernel"]) {
  const args = [compiler, "-p", inRepository(room), ...process.argv.slice(2)];
  spawn(process.execPath, args, { stdio: "inherit" }).on("close", (code) => {
    if (code !== 0) process.exitCode = code ?? 1;
  });
}
// The kernel that Jupyter starts is the one that was built here.
if (existsSync(venvBin(ROOT, "jupyter-lab"))) registerKernel(ROOT);
