/** The npm packages, exactly as locked; no package runs code of its own while it is installed. */
import { existsSync } from "node:fs";
import { keyOf, needDisk, runLogged, step } from "../lib/setup/step.mjs";
import { inRepository, ROOT } from "./repository.mjs";

export function installPackages() {
  const lock = inRepository("package-lock.json");
  return step(ROOT, "npm packages (about 0.8 GB)", {
    name: "packages",
    key: keyOf({ file: lock }, process.arch),
    stands: () => existsSync(inRepository("node_modules", ".package-lock.json")),
    run: async () => {
      needDisk(ROOT, 3e9);
      const npm = process.env.npm_execpath;
      const [command, args] = npm ? [process.execPath, [npm]] : ["npm", []];
      await runLogged(ROOT, "packages", command, [
        ...args,
        ...["ci", "--ignore-scripts", "--no-progress"],
      ]);
    },
  });
}
