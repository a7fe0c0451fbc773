import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { jupyterEnvironment, python } from "../notebook/support";

/** A JupyterLab for a test: its own port, token and settings. */
export interface JupyterLab {
  /** The address of a file in it. */
  address(file: string): string;
  stop(): Promise<void>;
}

/**
 * Serve a folder.
 *
 * @param folder What JupyterLab shows; its settings and its log go beside it.
 */
export async function startJupyterLab(
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<JupyterLab> {
  const port = await freePort();
  const token = Array.from({ length: 4 }, () => Math.random().toString(36).slice(2)).join("");
  const own = join(dirname(folder), "jupyter");
  mkdirSync(own, { recursive: true });
  const server = spawn(
    join(dirname(python()), "jupyter-lab"),
    [
      "--no-browser",
      "--allow-root",
      "--ServerApp.ip=127.0.0.1",
      `--ServerApp.port=${port}`,
      "--ServerApp.port_retries=0",
      `--ServerApp.root_dir=${folder}`,
      `--IdentityProvider.token=${token}`,
    ],
    {
      env: {
        ...jupyterEnvironment(),
        ...environment,
        JUPYTER_CONFIG_DIR: join(own, "config"),
        JUPYTER_DATA_DIR: join(own, "data"),
        JUPYTER_RUNTIME_DIR: join(own, "runtime"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const log = createWriteStream(join(own, "server.log"));
  server.stdout.pipe(log, { end: false });
  server.stderr.pipe(log, { end: false });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const stop = async () => {
    await shutDown(server, ended);
    log.end();
  };
  const root = `http://127.0.0.1:${port}`;
  try {
    await waitUntilServed(`${root}/api/status?token=${token}`, server);
  } catch (error) {
    await stop();
    throw new Error(`JupyterLab does not start; see ${join(own, "server.log")}`, { cause: error });
  }
  return { address: (file) => `${root}/lab/tree/${file}?reset&token=${token}`, stop };
}

async function waitUntilServed(address: string, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    if (server.exitCode !== null) throw new Error(`it ended with code ${server.exitCode}`);
    try {
      if ((await fetch(address)).ok) return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(200);
  }
}

/** Jupyter ends its kernels itself, given a moment; then whatever is left is killed. */
async function shutDown(server: ChildProcess, ended: Promise<void>): Promise<void> {
  if (server.exitCode !== null) return;
  server.kill("SIGTERM");
  const late = sleep(15_000, "late", { ref: false });
  if ((await Promise.race([ended, late])) === "late") server.kill("SIGKILL");
  await ended;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
