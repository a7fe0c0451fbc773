/**
 * The TypeScript kernel of the notebooks, and what the Jupyter around it should know: all of it
 * inside the virtual environment and the project's own folder, nothing in the user's home.
 *
 *     node tools/kernel.mjs          register (again) in .venv
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT, writeWhole } from "./setup/step.mjs";

/** What a notebook's `metadata` says so that Jupyter opens it with this kernel, as TypeScript. */
export const NOTEBOOK_METADATA = {
  kernelspec: { display_name: "TypeScript (tuning-fork)", language: "typescript", name: "tslab" },
  language_info: { file_extension: ".ts", mimetype: "text/typescript", name: "typescript" },
};

/** The virtual environment in use: `TUNING_FORK_VENV`, else `.venv` in the project. */
export function virtualEnvironment(root = ROOT) {
  return process.env.TUNING_FORK_VENV ? resolve(process.env.TUNING_FORK_VENV) : join(root, ".venv");
}

/** Absolute paths only, so that the kernel starts whatever the working folder is. */
function kernelSpec(root, node) {
  return {
    argv: [node, join(root, "kernel", "dist", "start-kernel.js"), "{connection_file}"],
    display_name: NOTEBOOK_METADATA.kernelspec.display_name,
    language: "typescript",
    interrupt_mode: "message",
    env: { NODE_OPTIONS: "--enable-source-maps" },
  };
}

/** Every file that registration writes, by its path inside the virtual environment. */
function files(root, node) {
  return {
    "share/jupyter/kernels/tslab/kernel.json": kernelSpec(root, node),
    // A new notebook is a TypeScript one; no question about news and no look-up of updates.
    "etc/jupyter/jupyter_server_config.json": {
      MappingKernelManager: { default_kernel_name: "tslab" },
    },
    "share/jupyter/lab/settings/overrides.json": {
      "@jupyterlab/apputils-extension:notification": { fetchNews: "false", checkForUpdates: false },
    },
  };
}

/**
 * Register the kernel; files that already say the same are left alone.
 *
 * @returns the paths written, none when everything stood.
 */
export function registerKernel({
  root = ROOT,
  venv = virtualEnvironment(root),
  node = process.execPath,
} = {}) {
  const written = [];
  for (const [name, content] of Object.entries(files(root, node))) {
    const path = join(venv, name);
    const text = `${JSON.stringify(content, null, 2)}\n`;
    if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
    writeWhole(path, text);
    written.push(path);
  }
  return written;
}

/**
 * Look whether the registered kernel can start.
 *
 * @returns `problem` is undefined when it can.
 */
export function checkKernel({ root = ROOT, venv = virtualEnvironment(root) } = {}) {
  const path = join(venv, "share/jupyter/kernels/tslab/kernel.json");
  if (!existsSync(path)) return { path, problem: "not registered" };
  try {
    const { argv } = JSON.parse(readFileSync(path, "utf8"));
    const gone = argv.find((word) => word.startsWith("/") && !existsSync(word));
    return { path, problem: gone && `it names ${gone}, which does not exist` };
  } catch (error) {
    return { path, problem: `not readable: ${error.message}` };
  }
}

/** The environment in which every Jupyter program of this project runs. */
export function jupyterEnvironment({ root = ROOT, venv = virtualEnvironment(root) } = {}) {
  const own = join(root, ".tuning-fork", "jupyter");
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const written = registerKernel();
  console.log(written.length === 0 ? "kernel: registered already" : written.join("\n"));
}
