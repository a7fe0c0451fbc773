/** The npm packages, exactly as locked; no package runs code of its own while it is installed. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { keyOf, needDisk, ROOT, runLogged, step } from "./step.mjs";

export function installPackages() {
  const lock = join(ROOT, "package-lock.json");
  return step("npm packages (about 0.8 GB)", {
    name: "packages",
    key: keyOf({ file: lock }, process.arch),
    stands: () => existsSync(join(ROOT, "node_modules", ".package-lock.json")),
    run: async () => {
      needDisk(3e9);
      const npm = process.env.npm_execpath;
      const [command, args] = npm ? [process.execPath, [npm]] : ["npm", []];
      await runLogged("packages", command, [...args, "ci", "--ignore-scripts", "--no-progress"]);
    },
  });
}
