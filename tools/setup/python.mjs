/** The Python side: JupyterLab and what executes and renders notebooks, in `.venv`. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { keyOf, ROOT, runLogged, StepError, step } from "./step.mjs";

export const VENV = join(ROOT, ".venv");
export const PIP = ["-m", "pip", "--disable-pip-version-check", "--no-input"];
const LOCK = join(ROOT, "tools", "python", "jupyter.lock");
const OLDEST = [3, 10];

/** @returns the machine's Python: `PYTHON`, else python3; old ones are refused. */
function findPython() {
  const command = process.env.PYTHON || "python3";
  const found = spawnSync(command, ["-c", "import sys; print(*sys.version_info[:2])"], {
    encoding: "utf8",
  });
  if (found.error || found.status !== 0)
    throw new StepError(
      `the program \`${command}\` does not run`,
      "install Python 3.10 or newer, or name one: PYTHON=/path/to/python3 npm start",
    );
  const [major, minor] = found.stdout.trim().split(" ").map(Number);
  if (major !== OLDEST[0] || minor < OLDEST[1])
    throw new StepError(
      `\`${command}\` is Python ${major}.${minor}; 3.10 or newer is needed`,
      "install one, or name one: PYTHON=/path/to/python3 npm start",
    );
  return { command, version: `${major}.${minor}` };
}

/** @returns path of a program inside `.venv`. */
export const venvBin = (name) => join(VENV, "bin", name);

export function installPython() {
  const python = existsSync(venvBin("python")) ? undefined : findPython();
  return step("Python packages: JupyterLab and nbclient (about 0.3 GB)", {
    name: "python",
    key: keyOf({ file: LOCK }),
    stands: () => existsSync(venvBin("jupyter-lab")),
    run: async () => {
      const { command } = python ?? findPython();
      await runLogged("venv", command, ["-m", "venv", "--clear", VENV], {
        remedy:
          "Python's venv module is missing or broken: on Debian and Ubuntu `apt install python3-venv`",
      });
      await runLogged("python", venvBin("python"), [
        ...PIP,
        "install",
        "--require-hashes",
        "--no-deps",
        "--only-binary=:all:",
        "-r",
        LOCK,
      ]);
    },
  });
}
