/**
 * `npm start`: set up what is not, execute the quickstart, say what came out, serve JupyterLab.
 *
 * `npm start -- --no-lab` and CI=true stop before JupyterLab; `--engine cpu|cuda|wasm` chooses the
 * engine, `--port N` JupyterLab's port.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { jupyterEnvironment } from "./kernel.mjs";
import { venvBin } from "./setup/python.mjs";
import { keyOf, ROOT, StepError, step } from "./setup/step.mjs";
import { failWith, setUp } from "./setup.mjs";

const QUICKSTART = join(ROOT, "notebooks", "00-quickstart.ipynb");
const RUN = join(ROOT, "results", "quickstart");

/** Run a program in the open, its output the person's; an interrupt reaches it too. */
function show(command, args, env = process.env) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: "inherit" });
    const pass = (signal) => child.kill(signal);
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, pass);
    child.on("error", fail);
    child.on("close", (code, signal) => {
      for (const name of ["SIGINT", "SIGTERM"]) process.off(name, pass);
      done(signal ? 1 : code);
    });
  });
}

const executed = join(RUN, "00-quickstart.ipynb");

/** Execute the quickstart, unless this very notebook has been executed on these data. */
async function quickstart() {
  await step(`${relative(ROOT, QUICKSTART)}, cell by cell`, {
    name: "quickstart",
    key: keyOf(
      { file: QUICKSTART },
      process.env.TUNING_FORK_DATA ?? "",
      process.env.TUNING_FORK_PROFILE ?? "",
    ),
    stands: () => existsSync(executed),
    run: async () => {
      mkdirSync(RUN, { recursive: true });
      const script = join(ROOT, "tools", "notebooks", "execute.py");
      const code = await show(
        venvBin("python"),
        [script, QUICKSTART, "--to", executed],
        jupyterEnvironment(),
      );
      if (code === 130) process.exit(130);
      if (code !== 0)
        throw new StepError(
          "the quickstart notebook failed; the cell and its message stand above",
          "mend what it names, then run `npm start` again",
        );
    },
  });
}

function report() {
  const metrics = join(RUN, "metrics.json");
  if (existsSync(metrics)) {
    const { accuracy } = JSON.parse(readFileSync(metrics, "utf8"));
    console.log(`\nTest accuracy: ${accuracy.toFixed(3)}`);
  }
  console.log(`Figures (PDF, SVG, PNG): ${relative(ROOT, join(RUN, "figures"))}/`);
  console.log(`Executed notebook: ${relative(ROOT, executed)}\n`);
}

/** The port asked for, or the first free one from 8888 on. */
async function choosePort(asked) {
  if (asked !== undefined) {
    const port = Number(asked);
    if (!Number.isInteger(port) || port < 1 || port > 65535)
      throw new StepError(`--port ${asked} is not a port`, "give a number from 1 to 65535");
    if (await isFree(port)) return port;
    throw new StepError(
      `port ${port} is taken`,
      "end what uses it, or give another: npm start -- --port 8899",
    );
  }
  for (let port = 8888; port < 8988; port++) if (await isFree(port)) return port;
  throw new StepError(
    "the ports from 8888 to 8987 are taken",
    "give a free one: npm start -- --port 9000",
  );
}

function isFree(port) {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}

async function serveLab(port) {
  console.log(
    "JupyterLab starts; open the address with the token that it prints. Ctrl-C ends it.\n",
  );
  const args = [
    "--no-browser",
    "--ServerApp.ip=127.0.0.1",
    `--ServerApp.port=${port}`,
    "--ServerApp.port_retries=0",
    `--ServerApp.root_dir=${ROOT}`,
    "--LabApp.default_url=/lab/tree/notebooks/00-quickstart.ipynb",
  ];
  if (process.getuid?.() === 0) args.push("--allow-root");
  return show(venvBin("jupyter-lab"), args, jupyterEnvironment());
}

try {
  const { values } = parseArgs({
    options: {
      "no-lab": { type: "boolean" },
      engine: { type: "string" },
      port: { type: "string" },
    },
  });
  const lab = !values["no-lab"] && process.env.CI !== "true";
  const port = lab ? await choosePort(values.port) : undefined;
  await setUp({ engine: values.engine });
  await quickstart();
  report();
  if (lab) process.exitCode = await serveLab(port);
} catch (error) {
  failWith(error);
}
