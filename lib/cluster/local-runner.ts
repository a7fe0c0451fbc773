import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { systemError } from "../core/system-errors";
import { startOf } from "../io/lock";
import { endOfProcess } from "./job-end";
import type { Job, JobState, Runner, RunnerDefinition, RunnerOptions } from "./runner";

/** So long has a unit that is to end for writing its checkpoint, ms. */
const GRACE = 15_000;

/** Units as processes of this machine. They end with the process that started them. */
class LocalRunner implements Runner {
  readonly name = "local";
  readonly detached = false;
  readonly slots: number;
  private readonly gpus: number;
  private readonly cpus?: number;
  private readonly children = new Map<
    string,
    { child: ChildProcess; slot: number; end?: string }
  >();

  constructor({ atOnce, gpus = 0, cpus }: RunnerOptions) {
    this.gpus = gpus;
    this.cpus = cpus;
    this.slots = atOnce ?? (gpus > 0 ? Math.max(1, Math.floor(countGpus() / gpus)) : 1);
  }

  async start({ command: [program, ...args], log }: Job): Promise<string> {
    const slot = this.freeSlot();
    const file = openSync(log, "a");
    try {
      const child = spawn(program, args, {
        stdio: ["ignore", file, file],
        env: { ...process.env, ...this.environment(slot) },
      });
      await new Promise((started, fail) => child.once("spawn", started).once("error", fail));
      const handle = handleOf(child.pid ?? 0);
      const entry: { child: ChildProcess; slot: number; end?: string } = { child, slot };
      this.children.set(handle, entry);
      child.once("exit", (code, signal) => {
        entry.end = endOfProcess(code, signal);
      });
      return handle;
    } catch (error) {
      throw systemError(error, program, "cannot be started");
    } finally {
      closeSync(file);
    }
  }

  async poll(handles: readonly string[]): Promise<ReadonlyMap<string, JobState>> {
    return new Map(handles.map((handle) => [handle, this.stateOf(handle)]));
  }

  async stop(handle: string): Promise<void> {
    const own = this.children.get(handle);
    const pid = Number(handle.split(" ")[1]);
    if (this.stateOf(handle).state === "ended") return;
    const kill = (signal: NodeJS.Signals) => {
      try {
        if (own) own.child.kill(signal);
        else process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    };
    kill("SIGTERM");
    for (const end = Date.now() + GRACE; Date.now() < end; await sleep(50)) {
      if (this.stateOf(handle).state === "ended") return;
    }
    kill("SIGKILL");
  }

  private stateOf(handle: string): JobState {
    const own = this.children.get(handle);
    if (own)
      return own.end === undefined ? { state: "running" } : { state: "ended", reason: own.end };
    // Of a submitter that is gone: its units see that, and end.
    const [host, pid] = handle.split(" ");
    const alive = host === hostname() && handleOf(Number(pid)) === handle;
    return alive
      ? { state: "running" }
      : { state: "ended", reason: "ended with the process that had started it" };
  }

  private freeSlot(): number {
    const taken = new Set(
      [...this.children.values()].filter(({ end }) => end === undefined).map(({ slot }) => slot),
    );
    for (let slot = 0; ; slot++) if (!taken.has(slot)) return slot;
  }

  /** One process drives a GPU: each unit sees its own alone. */
  private environment(slot: number): Record<string, string> {
    const { cpus, gpus } = this;
    const own = Array.from({ length: gpus }, (_, i) => slot * gpus + i);
    return {
      ...(cpus === undefined ? {} : { TF_NUM_INTRAOP_THREADS: String(cpus) }),
      ...(gpus === 0 ? {} : { CUDA_VISIBLE_DEVICES: own.join(",") }),
    };
  }
}

/** Another process may get the number of one that has ended; not its beginning. */
const handleOf = (pid: number) => `${hostname()} ${pid} ${startOf(pid)}`;

function countGpus(): number {
  const { stdout } = spawnSync("nvidia-smi", ["-L"], { encoding: "utf8" });
  return (stdout ?? "").split("\n").filter((line) => line.startsWith("GPU ")).length;
}

export const local: RunnerDefinition = {
  sentence: "processes on this machine",
  takes: [],
  open: async (options) => new LocalRunner(options),
};
