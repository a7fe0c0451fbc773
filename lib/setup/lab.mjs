/** JupyterLab on this machine alone, with the project's kernel. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { jupyterEnvironment } from "./kernel.mjs";
import { venvBin } from "./python.mjs";
import { StepError } from "./step.mjs";

/**
 * Run a program of a project's `.venv` in the open, its output the person's; an interrupt reaches it too.
 *
 * @returns its exit code
 * @throws StepError where nothing is set up
 */
export function runInVenv(project, name, args) {
  const program = venvBin(project, name);
  if (!existsSync(program))
    throw new StepError(`${program} is not there`, "run `npx tuning-fork setup` first");
  return new Promise((done, fail) => {
    const child = spawn(program, args, {
      cwd: project,
      env: jupyterEnvironment(project),
      stdio: "inherit",
    });
    const pass = (signal) => child.kill(signal);
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, pass);
    child.on("error", fail);
    child.on("close", (code, signal) => {
      for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, pass);
      done(signal ? 1 : code);
    });
  });
}

/**
 * The port asked for, or the first free one from 8888 on.
 *
 * @throws StepError where it is taken, or no port
 */
export async function choosePort(asked) {
  if (asked !== undefined) {
    const port = Number(asked);
    if (!Number.isInteger(port) || port < 1 || port > 65535)
      throw new StepError(`--port ${asked} is not a port`, "give a number from 1 to 65535");
    if (await isFree(port)) return port;
    throw new StepError(
      `port ${port} is taken`,
      "end what uses it, or give another, such as --port 8899",
    );
  }
  for (let port = 8888; port < 8988; port++) if (await isFree(port)) return port;
  throw new StepError("the ports from 8888 to 8987 are taken", "give a free one: --port 9000");
}

function isFree(port) {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}

/**
 * Serve JupyterLab until it is ended.
 *
 * @param options `open`: a file in the project that is shown first
 * @returns its exit code
 */
export function serveLab(project, port, { open = "" } = {}) {
  console.log(
    "JupyterLab starts; open the address with the token that it prints. Ctrl-C ends it.\n",
  );
  return runInVenv(project, "jupyter-lab", [
    "--no-browser",
    "--ServerApp.ip=127.0.0.1",
    `--ServerApp.port=${port}`,
    "--ServerApp.port_retries=0",
    `--ServerApp.root_dir=${project}`,
    ...(open === "" ? [] : [`--LabApp.default_url=/lab/tree/${open}`]),
    ...(process.getuid?.() === 0 ? ["--allow-root"] : []),
  ]);
}
