import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";
import { UserError } from "../core/errors";
import { projectFolder, stateFolder } from "../io/paths";

/** A process that runs steps on request and is frozen in between, so that it takes no core. */
export class Worker {
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;
  private errors = "";

  constructor(
    private readonly child: ChildProcess,
    private readonly label: string,
  ) {
    if (child.stdout === null) throw new Error("no standard output");
    this.reader = createInterface({ input: child.stdout });
    this.lines = this.reader[Symbol.asyncIterator]();
    process.once("exit", this.abandon);
    child.stderr?.on("data", (chunk: Buffer) => {
      this.errors = (this.errors + chunk).slice(-4000);
    });
  }

  static async start(label: string, command: string, args: readonly string[]): Promise<Worker> {
    const worker = new Worker(
      spawn(command, args, { cwd: projectFolder(), detached: true }),
      label,
    );
    worker.ready = await worker.line();
    worker.freeze();
    return worker;
  }

  ready = "";

  /** Seconds that this many steps take. */
  async round(steps: number): Promise<number> {
    this.signal("SIGCONT");
    this.child.stdin?.write(`${steps}\n`);
    const seconds = Number(await this.line());
    this.freeze();
    return seconds;
  }

  /** To the process and those that it started, which form a group. */
  private signal(name: NodeJS.Signals): void {
    if (this.child.pid !== undefined && this.child.exitCode === null) {
      process.kill(-this.child.pid, name);
    }
  }

  private readonly abandon = (): void => this.signal("SIGKILL");

  private freeze(): void {
    this.signal("SIGSTOP");
  }

  private async line(): Promise<string> {
    const { value, done } = await this.lines.next();
    if (!done) return value;
    throw new UserError(
      `${this.label} ended before it was done: ${this.errors.trim().split("\n").slice(-4).join(" | ")}`,
      "see the message; a smaller --batch needs less memory",
    );
  }

  /** The most memory that the process ever held, bytes (Linux). */
  get peakBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024;
  }

  end(): void {
    this.signal("SIGKILL");
    process.off("exit", this.abandon);
    this.reader.close();
  }
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The Python that has PyTorch.
 *
 * @throws UserError when there is none
 */
export function torchPython(): string {
  const named = process.env.BENCH_PYTHON;
  const python = named || stateFolder("bench", "bin", "python");
  if (existsSync(python)) return python;
  throw new UserError(
    named ? `BENCH_PYTHON is ${named}, which is not there` : "no Python with PyTorch is known",
    "run `npm run bench:setup`, or set BENCH_PYTHON to a Python that has torch, timm and transformers",
  );
}
