import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FuzzReport, FuzzTask } from "./child";

/** What became of the mutants of a reader. */
export interface FuzzResult {
  /** Mutants that were read. */
  read: number;
  /** Mutants that were refused by a `UserError`. */
  refused: number;
  /** What was wrong: other errors, hangs, growth of memory, ends of the process. */
  readonly faults: string[];
}

/** A mutant may keep the processor busy so long, ms. */
const longest = 5000;
/** And so long by the clock, ms: on a machine that does other things too. */
const patience = 30_000;
/** And the memory may rise so far meanwhile, MB. */
const largest = 512;

/** Feeds mutants to readers, in a process of its own that is replaced when one of them hangs. */
export class Fuzzer {
  private child: ChildProcess | undefined;

  /** Make so many mutants and have them read. */
  async run(reader: string, mutants: number, seed: number): Promise<FuzzResult> {
    const folder = await mkdtemp(join(tmpdir(), "fuzz-"));
    const result: FuzzResult = { read: 0, refused: 0, faults: [] };
    try {
      for (let from = 0; from < mutants; ) {
        from = await this.some({ reader, from, to: mutants, seed, folder }, result);
      }
      return result;
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  /** End the process. */
  close(): void {
    this.child?.kill("SIGKILL");
    this.child = undefined;
  }

  /** @returns where the next process goes on */
  private some(task: FuzzTask, result: FuzzResult): Promise<number> {
    this.child ??= fork(join(__dirname, "child.ts"), {
      execArgv: ["--require", "tsx/cjs"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const child = this.child;
    return new Promise((done, fail) => {
      let index = task.from;
      let watch: NodeJS.Timeout | undefined;
      let last = "";
      child.stderr?.on("data", (chunk) => {
        last = (last + chunk).slice(-2000);
      });
      const fault = (what: string) =>
        result.faults.push(`${task.reader} ${task.seed + index}: ${what}`);
      const end = (next: number, ended: boolean) => {
        clearTimeout(watch);
        child.removeAllListeners();
        child.stderr?.removeAllListeners("data").resume();
        if (ended) this.close();
        done(next);
      };
      child.on("message", (report: FuzzReport | string) => {
        clearTimeout(watch);
        if (typeof report === "string") {
          if (report === "done") end(task.to, false);
          else fail(new Error(report));
          return;
        }
        index = report.index;
        if (report.kind === "start") {
          watch = setTimeout(() => {
            fault(`hangs for more than ${patience} ms`);
            end(index + 1, true);
          }, patience);
          return;
        }
        if (report.outcome === "other") fault(report.told);
        else result[report.outcome]++;
        if (report.work > longest) fault(`works for ${Math.round(report.work)} ms`);
        if (report.growth > largest) fault(`takes ${Math.round(report.growth)} MB`);
      });
      child.on("close", (code, signal) => {
        fault(`ends the process (${signal ?? code}): ${last}`);
        end(index + 1, true);
      });
      child.send(task);
    });
  }
}
