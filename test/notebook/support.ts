import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

export const ROOT = resolve(__dirname, "..", "..");

/** The Python of the project's virtual environment. */
export function python(): string {
  const path = join(process.env.TUNING_FORK_VENV ?? join(ROOT, ".venv"), "bin", "python");
  if (!existsSync(path)) throw new Error(`${path} is missing: set up first, with npm start`);
  return path;
}

/** The environment Jupyter runs in, without anything from the user's home. */
export function jupyterEnvironment(): NodeJS.ProcessEnv {
  const own = join(ROOT, ".tuning-fork", "jupyter");
  mkdirSync(own, { recursive: true });
  return {
    ...process.env,
    JUPYTER_CONFIG_DIR: join(own, "config"),
    JUPYTER_DATA_DIR: join(own, "data"),
    JUPYTER_RUNTIME_DIR: join(own, "runtime"),
    JUPYTER_PREFER_ENV_PATH: "1",
    IPYTHONDIR: join(own, "ipython"),
  };
}

/** What one cell did. */
export interface CellResult {
  readonly status: "ok" | "error" | "aborted" | "timeout" | "dead";
  readonly stdout: string;
  readonly stderr: string;
  readonly displays: readonly {
    readonly update: boolean;
    readonly id: string | null;
    readonly data: Readonly<Record<string, unknown>>;
  }[];
  /** The last expression's value, in every form it has. */
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly error: {
    readonly ename: string;
    readonly evalue: string;
    readonly traceback: readonly string[];
  } | null;
  /** What it asked the person. */
  readonly asked: readonly string[];
  /** What earlier cells said meanwhile. */
  readonly late: string;
}

/** A cell to run; when it has printed `interruptAfter`, it is interrupted, and so on. */
export interface TestCell {
  readonly code: string;
  readonly interruptAfter?: string;
  readonly interrupts?: number;
  readonly terminateAfter?: string;
  /** What the person answers, one after the other. Default: nobody is there to answer. */
  readonly answers?: readonly string[];
}

/** A kernel that a test talks to. */
export interface TestKernel {
  /** Run cells one after another. */
  run(...cells: readonly (string | TestCell)[]): Promise<CellResult[]>;
  /** Ask about code; a `|` in it is the cursor. */
  ask(what: "inspect" | "complete" | "is_complete", code: string): Promise<Record<string, unknown>>;
  /** Open a comm, and see what comes through comms. */
  comm(target: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** Start a kernel in the notebooks' folder. */
export function openKernel(environment: Readonly<Record<string, string>> = {}): TestKernel {
  const client = spawn(python(), [join(__dirname, "kernel.py")], {
    env: { ...jupyterEnvironment(), ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((done) => client.once("close", () => done()));
  const answers = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
  const say = (request: object) => client.stdin.write(`${JSON.stringify(request)}\n`);
  const ask = async (request: object) => {
    say(request);
    const { value, done } = await answers.next();
    if (done) throw new Error("the kernel's client ended");
    return JSON.parse(value);
  };
  say({ cwd: join(ROOT, "notebooks") });
  return {
    async run(...cells) {
      const results: CellResult[] = [];
      for (const cell of cells)
        results.push(await ask(typeof cell === "string" ? { code: cell } : cell));
      return results;
    },
    ask: (what, text) => {
      const [before] = text.split("|");
      return ask({ ask: what, code: text.replace("|", ""), cursor: before.length });
    },
    comm: (target) => ask({ comm: target }),
    async close() {
      client.stdin.end();
      await ended;
    },
  };
}

/** Run cells one after another in a fresh kernel, in the notebooks' folder. */
export async function runInKernel(
  cells: readonly (string | TestCell)[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CellResult[]> {
  const kernel = openKernel(environment);
  try {
    return await kernel.run(...cells);
  } finally {
    await kernel.close();
  }
}

/** A notebook file's content, a string a code cell. */
export function notebookOf(cells: readonly string[]): object {
  return {
    cells: cells.map((source, i) => ({
      cell_type: "code",
      id: `cell-${i}`,
      metadata: {},
      execution_count: null,
      outputs: [],
      source,
    })),
    metadata: { kernelspec: { display_name: "TypeScript", language: "typescript", name: "tslab" } },
    nbformat: 4,
    nbformat_minor: 5,
  };
}
