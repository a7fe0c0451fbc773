import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

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
  readonly status: "ok" | "error" | "abort" | "timeout";
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
}

/** A cell to run; when it has printed `interruptAfter`, it is interrupted. */
export interface TestCell {
  readonly code: string;
  readonly interruptAfter?: string;
  readonly interrupts?: number;
}

/** Run cells one after another in a fresh kernel, in the notebooks' folder. */
export function runInKernel(
  cells: readonly (string | TestCell)[],
  environment: Readonly<Record<string, string>> = {},
): CellResult[] {
  const task = {
    cwd: join(ROOT, "notebooks"),
    cells: cells.map((cell) => (typeof cell === "string" ? { code: cell } : cell)),
  };
  const answer = execFileSync(python(), [join(__dirname, "kernel.py")], {
    input: JSON.stringify(task),
    env: { ...jupyterEnvironment(), ...environment },
    encoding: "utf8",
    maxBuffer: 1 << 26,
    stdio: "pipe",
  });
  return JSON.parse(answer);
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
