/** Ray, for those who want a cluster on this machine: an environment of its own, made only when asked for. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { PIP, venvBin } from "./python.mjs";
import { placesIn, runLogged, step } from "./step.mjs";

const PACKAGE = "ray[default]==2.60.0";

/** @returns path of Ray's program. */
export const rayProgram = (project) => join(placesIn(project).state, "ray", "bin", "ray");

/** Install Ray in `.tuning-fork/ray`. @throws StepError where it cannot be */
export function installRay(project) {
  const folder = join(placesIn(project).state, "ray");
  return step(project, "Ray (0.4 GB)", {
    name: "ray",
    key: PACKAGE,
    stands: () => existsSync(rayProgram(project)),
    run: async () => {
      const own = venvBin(project, "python");
      const python = existsSync(own) ? own : process.env.PYTHON || "python3";
      await runLogged(project, "ray", python, ["-m", "venv", "--clear", folder]);
      const install = [...PIP, "install", "--only-binary=:all:", PACKAGE];
      await runLogged(project, "ray", join(folder, "bin", "python"), install);
    },
  });
}
