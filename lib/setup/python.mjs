/** The Python side: JupyterLab and what executes and renders notebooks, in `.venv`. */
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { HERE, keyOf, placesIn, runLogged, StepError, step, writeWhole } from "./step.mjs";

export const PIP = ["-m", "pip", "--disable-pip-version-check", "--no-input"];
const lockFile = (name) => join(HERE, "python", `${name}.lock`);
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
      "install Python 3.10 or newer, or name one: PYTHON=/path/to/python3",
    );
  const [major, minor] = found.stdout.trim().split(" ").map(Number);
  if (major !== OLDEST[0] || minor < OLDEST[1])
    throw new StepError(
      `\`${command}\` is Python ${major}.${minor}; 3.10 or newer is needed`,
      "install one, or name one: PYTHON=/path/to/python3",
    );
  return { command, version: `${major}.${minor}` };
}

/** @returns path of a program inside a project's `.venv`. */
export const venvBin = (project, name) => join(placesIn(project).venv, "bin", name);

/** UTF-8's bytes, a letter each, as files are read whose encoding is not known. */
const bytesOf = (text) => Buffer.from(text).toString("latin1");

/** How a program of `.venv` begins: with the path of its Python, which a shell is given where it has spaces. */
const PROGRAM = /^#!(?:\/bin\/sh\n'''exec' ")?(.*)\/bin\/python/;

/** Linux takes the path in a first line up to a space, and 127 bytes of it at most; a shell does not mind. */
const throughShell = (text) =>
  text.replace(/^#!(\/.*\/bin\/python\S*)\n/, (line, python) =>
    line.length < 128 && !python.includes(" ")
      ? line
      : `#!/bin/sh\n'''exec' "${python}" "$0" "$@"\n' '''\n`,
  );

/**
 * Programs in `.venv` begin with the path of its Python. Where the project's folder has been moved, they are
 * written anew with the path as it is now.
 */
function mendMovedVenv(project) {
  const { venv } = placesIn(project);
  const lab = venvBin(project, "jupyter-lab");
  if (!existsSync(lab)) return;
  const [, before] = PROGRAM.exec(readFileSync(lab, "utf8")) ?? [];
  if (before === undefined || before === venv) return;
  console.log(`• .venv was made as ${before}: its programs are told where it is now`);
  const kernels = join(venv, "share", "jupyter", "kernels");
  const specs = existsSync(kernels) ? readdirSync(kernels, { recursive: true }) : [];
  // What is looked at when it is called goes last, should this be killed.
  const programs = readdirSync(join(venv, "bin")).filter((name) => name !== "jupyter-lab");
  const files = [
    join(venv, "pyvenv.cfg"),
    ...specs.filter((name) => name.endsWith(".json")).map((name) => join(kernels, name)),
    ...[...programs, "jupyter-lab"].map((name) => venvBin(project, name)),
  ];
  for (const path of files) {
    if (!existsSync(path) || !lstatSync(path).isFile()) continue;
    const content = readFileSync(path, "latin1");
    if (!content.includes(bytesOf(before))) continue;
    const mended = throughShell(content.replaceAll(bytesOf(before), bytesOf(venv)));
    writeWhole(path, Buffer.from(mended, "latin1"), statSync(path).mode & 0o777);
  }
}

export function installPython(project) {
  mendMovedVenv(project);
  const python = existsSync(venvBin(project, "python")) ? undefined : findPython();
  return step(project, "Python packages: JupyterLab and nbclient (about 0.3 GB)", {
    name: "python",
    key: keyOf({ file: LOCK }),
    stands: () => existsSync(venvBin(project, "jupyter-lab")),
    run: async () => {
      const { command } = python ?? findPython();
      await runLogged(project, "venv", command, ["-m", "venv", "--clear", placesIn(project).venv], {
        remedy:
          "Python's venv module is missing or broken: on Debian and Ubuntu `apt install python3-venv`",
      });
      await runLogged(project, "python", venvBin(project, "python"), [...INSTALL, LOCK]);
    },
  });
}

/** @returns the shared library of a wheel that is called without Python, undefined where it is not there. */
function sharedLibrary(project, path) {
  const lib = join(placesIn(project).venv, "lib");
  const python = existsSync(lib) && readdirSync(lib).find((name) => name.startsWith("python3."));
  return python && existsSync(join(lib, python, "site-packages", path));
}

/**
 * XGBoost and LightGBM. Their libraries are called from Node, so NumPy and SciPy stay away. No machine
 * needs them to set up: where there is no wheel, that is said.
 */
export async function installBoosting(project) {
  try {
    await step(project, "XGBoost and LightGBM (10 MB)", {
      name: "boosting",
      key: keyOf({ file: BOOSTING }),
      stands: () =>
        sharedLibrary(project, "xgboost/lib/libxgboost.so") &&
        sharedLibrary(project, "lightgbm/lib/lib_lightgbm.so"),
      run: () => runLogged(project, "boosting", venvBin(project, "python"), [...INSTALL, BOOSTING]),
    });
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    console.error(`  ! Going on without boosted trees: ${error.message.split("\n")[0]}`);
  }
}
