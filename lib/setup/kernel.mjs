/**
 * The TypeScript kernel of the notebooks, and what the Jupyter around it should know: all of it inside the
 * project's virtual environment, nothing in the user's home unless that is asked for.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { HERE, placesIn, StepError, writeWhole } from "./step.mjs";

/** By which notebooks name the kernel. */
const NAME = "tslab";
const START = join(HERE, "..", "dist", "kernel", "start-kernel.js");

/** Absolute paths only, so that the kernel starts whatever the working folder is. */
function kernelSpec() {
  return {
    argv: [process.execPath, START, "{connection_file}"],
    display_name: "TypeScript (tuning-fork)",
    language: "typescript",
    interrupt_mode: "message",
    env: { NODE_OPTIONS: "--enable-source-maps" },
  };
}

/** What papermill has to know to write parameters as TypeScript. */
function papermillFiles(venv) {
  const [python] = readdirSync(join(venv, "lib")).filter((name) => name.startsWith("python3"));
  const packages = join("lib", python, "site-packages");
  const info = join(packages, "tuning_fork_papermill-1.0.dist-info");
  const module = "tuning_fork_papermill.py";
  return {
    [join(packages, module)]: readFileSync(join(HERE, "python", module), "utf8"),
    [join(info, "METADATA")]: "Metadata-Version: 2.1\nName: tuning-fork-papermill\nVersion: 1.0\n",
    [join(info, "entry_points.txt")]:
      "[papermill.engine]\ntuning-fork = tuning_fork_papermill:Engine\n",
  };
}

/** What JupyterLab does for the kernel: a notebook that is opened again shows what it has missed. */
function labExtension() {
  const folder = join("share", "jupyter", "labextensions", "tuning-fork");
  const load = "static/catch-up.js";
  return {
    [join(folder, "package.json")]: asText({
      name: "tuning-fork",
      version: "1.0.0",
      jupyterlab: { extension: true, _build: { load, extension: "./extension" } },
    }),
    [join(folder, load)]: readFileSync(join(HERE, "labextension", "catch-up.js"), "utf8"),
  };
}

const asText = (content) => `${JSON.stringify(content, null, 2)}\n`;

/** Every file that registration writes, by its path inside the virtual environment. */
function files(venv) {
  return {
    [`share/jupyter/kernels/${NAME}/kernel.json`]: asText(kernelSpec()),
    // A new notebook is a TypeScript one; no question about news and no look-up of updates.
    "etc/jupyter/jupyter_server_config.json": asText({
      MappingKernelManager: { default_kernel_name: NAME },
    }),
    "share/jupyter/lab/settings/overrides.json": asText({
      "@jupyterlab/apputils-extension:notification": { fetchNews: "false", checkForUpdates: false },
    }),
    ...labExtension(),
    ...papermillFiles(venv),
  };
}

/** Register the kernel in a project's `.venv`; files that already say the same are left alone. */
export function registerKernel(project) {
  const { venv } = placesIn(project);
  for (const [name, text] of Object.entries(files(venv))) {
    const path = join(venv, name);
    if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeWhole(path, text);
  }
}

/**
 * Offer the kernel to every Jupyter of this user, VS Code's too.
 *
 * @returns where it is registered
 * @throws StepError where another kernel has its name
 */
export function registerKernelForUser() {
  const data =
    process.env.JUPYTER_DATA_DIR ||
    join(process.env.XDG_DATA_HOME || join(homedir(), ".local", "share"), "jupyter");
  const path = join(data, "kernels", NAME, "kernel.json");
  const text = asText(kernelSpec());
  if (existsSync(path) && !/start-kernel\.js/.test(readFileSync(path, "utf8")))
    throw new StepError(
      `${path} is another program's kernel`,
      `remove that with \`jupyter kernelspec remove ${NAME}\`, or go without --kernel-user`,
    );
  writeWhole(path, text);
  return path;
}

/**
 * Look whether the registered kernel can start.
 *
 * @returns `problem` is undefined when it can.
 */
export function checkKernel(project) {
  const path = join(placesIn(project).venv, "share/jupyter/kernels", NAME, "kernel.json");
  if (!existsSync(path)) return { path, problem: `${path} is not there` };
  const { argv } = JSON.parse(readFileSync(path, "utf8"));
  const gone = argv.find((word) => word.startsWith("/") && !existsSync(word));
  return { path, problem: gone && `the kernel names ${gone}, which is not there` };
}

/** The environment in which every Jupyter program of a project runs. */
export function jupyterEnvironment(project) {
  const { state, venv } = placesIn(project);
  const own = join(state, "jupyter");
  mkdirSync(own, { recursive: true });
  return {
    ...process.env,
    VIRTUAL_ENV: venv,
    PATH: `${join(venv, "bin")}${delimiter}${process.env.PATH ?? ""}`,
    JUPYTER_CONFIG_DIR: join(own, "config"),
    JUPYTER_DATA_DIR: join(own, "data"),
    JUPYTER_RUNTIME_DIR: join(own, "runtime"),
    IPYTHONDIR: join(own, "ipython"),
    JUPYTER_PREFER_ENV_PATH: "1",
    PYTHONUNBUFFERED: "1",
  };
}
