/** The Python side: JupyterLab and what executes and renders notebooks, in `.venv`. */
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { keyOf, ROOT, runLogged, StepError, step, writeWhole } from "./step.mjs";

export const VENV = join(ROOT, ".venv");
export const PIP = ["-m", "pip", "--disable-pip-version-check", "--no-input"];
const lockFile = (name) => join(ROOT, "tools", "python", `${name}.lock`);
const LOCK = lockFile("jupyter");
const BOOSTING = lockFile("boosting");
const OLDEST = [3, 10];
const INSTALL = [
  ...PIP,
  ...["install", "--require-hashes", "--no-deps", "--only-binary=:all:", "-r"],
];

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

/**
 * Programs in `.venv` begin with the path of its Python. Where the project's folder has been moved, they are
 * written anew with the path as it is now.
 */
function mendMovedVenv() {
  if (!existsSync(venvBin("jupyter-lab"))) return;
  const [, before] =
    /^#!(.*)\/bin\/python/.exec(readFileSync(venvBin("jupyter-lab"), "utf8")) ?? [];
  if (before === undefined || before === VENV) return;
  console.log(`• .venv was made as ${before}: its programs are told where it is now`);
  const kernels = join(VENV, "share", "jupyter", "kernels");
  const specs = existsSync(kernels) ? readdirSync(kernels, { recursive: true }) : [];
  // What is looked at when it is called goes last, should this be killed.
  const programs = readdirSync(join(VENV, "bin")).filter((name) => name !== "jupyter-lab");
  const files = [
    join(VENV, "pyvenv.cfg"),
    ...specs.filter((name) => name.endsWith(".json")).map((name) => join(kernels, name)),
    ...[...programs, "jupyter-lab"].map(venvBin),
  ];
  for (const path of files) {
    if (!existsSync(path) || !lstatSync(path).isFile()) continue;
    const content = readFileSync(path, "latin1");
    if (!content.includes(before)) continue;
    writeWhole(
      path,
      Buffer.from(content.replaceAll(before, VENV), "latin1"),
      statSync(path).mode & 0o777,
    );
  }
}

export function installPython() {
  mendMovedVenv();
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
      await runLogged("python", venvBin("python"), [...INSTALL, LOCK]);
    },
  });
}

/** @returns the shared library of a wheel that is called without Python, undefined where it is not there. */
function sharedLibrary(path) {
  const lib = join(VENV, "lib");
  const python = existsSync(lib) && readdirSync(lib).find((name) => name.startsWith("python3."));
  return python && existsSync(join(lib, python, "site-packages", path));
}

/**
 * XGBoost and LightGBM. Their libraries are called from Node, so NumPy and SciPy stay away. No machine
 * needs them to set up: where there is no wheel, that is said.
 */
export async function installBoosting() {
  try {
    await step("XGBoost and LightGBM (10 MB)", {
      name: "boosting",
      key: keyOf({ file: BOOSTING }),
      stands: () =>
        sharedLibrary("xgboost/lib/libxgboost.so") && sharedLibrary("lightgbm/lib/lib_lightgbm.so"),
      run: () => runLogged("boosting", venvBin("python"), [...INSTALL, BOOSTING]),
    });
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    console.error(`  ! Going on without boosted trees: ${error.message.split("\n")[0]}`);
  }
}
