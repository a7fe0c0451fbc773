import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { UserError } from "../core/errors";
import { endOfProcess } from "./job-end";
import type { Job, JobState, Runner, RunnerDefinition, RunnerOptions } from "./runner";
import { endOf, quoted, shellCommand } from "./shell-command";

const run = promisify(execFile);

/** States of `squeue` of a job that has not begun. */
const WAITING = new Set(["PENDING", "CONFIGURING", "REQUEUED", "SUSPENDED"]);
/** States in which a job still takes its place. */
const RUNNING = new Set(["RUNNING", "COMPLETING", "STAGE_OUT", "SIGNALING", "STOPPED"]);

/** What programs of Slurm say on a machine that belongs to no cluster, or cannot reach it. */
const NO_CONTROLLER = /resolve_ctls|fetch_config|unable to contact slurm/i;

/** Units as jobs of Slurm. */
class SlurmRunner implements Runner {
  readonly name = "slurm";
  readonly detached = true;

  constructor(
    private readonly options: Required<Pick<RunnerOptions, "cpus" | "gpus" | "sbatch">>,
    readonly slots: number,
  ) {}

  async start(job: Job): Promise<string> {
    const { stdout } = await slurm("sbatch", [
      ...["--parsable", `--job-name=${job.id}`, "--output=/dev/null"],
      ...resourceArguments(this.options),
      ...["--wrap", shellCommand(job, this.options.cpus)],
    ]);
    // `id` or `id;cluster`.
    return stdout.trim().split(";")[0];
  }

  async poll(handles: readonly string[]): Promise<ReadonlyMap<string, JobState>> {
    // All of this user's: a job that has ended is an error where it is asked for by its number.
    const { stdout } = await slurm("squeue", [
      "--me",
      "--noheader",
      "--states=all",
      "--format=%i %T",
    ]);
    const states = new Map(
      stdout.split("\n").map((line) => line.trim().split(" ") as [string, string]),
    );
    return new Map(
      await Promise.all(
        handles.map(async (handle) => [handle, await stateOf(handle, states.get(handle))] as const),
      ),
    );
  }

  async stop(handle: string): Promise<void> {
    await slurm("scancel", ["--quiet", handle]).catch(() => {});
  }
}

async function stateOf(job: string, state: string | undefined): Promise<JobState> {
  if (state !== undefined && WAITING.has(state)) return { state: "queued" };
  if (state !== undefined && RUNNING.has(state)) return { state: "running" };
  const code = await exitCode(job);
  if (code !== undefined) return code;
  return { state: "ended", reason: `ended, by Slurm's word ${state ?? "some time ago"}` };
}

/** What Slurm still knows of a job's end: it forgets minutes after it. */
async function exitCode(job: string): Promise<JobState | undefined> {
  try {
    const { stdout } = await run("scontrol", ["show", "job", "--oneliner", job]);
    const [, code, signal] = /ExitCode=(\d+):(\d+)/.exec(stdout) ?? [];
    if (code === undefined || (code === "0" && signal === "0")) return undefined;
    if (signal !== "0") return { state: "ended", reason: endOfProcess(-Number(signal)) };
    return endOf(Number(code));
  } catch {
    return undefined;
  }
}

/** Cores, GPUs and what else is asked of `sbatch`. */
export function resourceArguments({ cpus = 1, gpus = 0, sbatch = [] }: RunnerOptions): string[] {
  return [`--cpus-per-task=${cpus}`, ...(gpus > 0 ? [`--gres=gpu:${gpus}`] : []), ...sbatch];
}

async function slurm(program: string, args: readonly string[]): Promise<{ stdout: string }> {
  try {
    return await run(program, args, { maxBuffer: 1 << 28 });
  } catch (cause) {
    const { code, stderr = "" } = cause as { code?: unknown; stderr?: string };
    if (code === "ENOENT") {
      throw new UserError(
        `there is no Slurm here: the program ${program} is not found`,
        "submit from a login node of the cluster, or take --on local",
        { cause },
      );
    }
    throw new UserError(
      `${program} failed: ${stderr.trim().split("\n")[0] || code}`,
      NO_CONTROLLER.test(stderr)
        ? "submit from a login node of the cluster, or take --on local"
        : "see that Slurm takes what was asked for: --cpus, --gpus, --sbatch",
      { cause },
    );
  }
}

export const slurmRunner: RunnerDefinition = {
  sentence: "jobs of Slurm, from a login node",
  takes: ["sbatch"],
  async open({ atOnce = 1000, cpus = 1, gpus = 0, sbatch = [] }: RunnerOptions) {
    await slurm("squeue", ["--version"]);
    return new SlurmRunner({ cpus, gpus, sbatch }, atOnce);
  },
};

/**
 * The jobs of a plan as a script for `sbatch`: an array, a unit an element.
 *
 * @param options What each takes, and how many run at once; by default Slurm decides that.
 */
export function slurmScript(jobs: readonly Job[], options: RunnerOptions = {}): string {
  const limit = options.atOnce === undefined ? "" : `%${options.atOnce}`;
  const units = jobs.map((job, i) => `${i}) ${shellCommand(job, options.cpus ?? 1)} ;;`);
  return `${[
    "#!/bin/sh",
    `#SBATCH --job-name=${quoted(jobs[0].id)}`,
    `#SBATCH --array=0-${jobs.length - 1}${limit}`,
    "#SBATCH --output=/dev/null",
    ...resourceArguments(options).map((argument) => `#SBATCH ${argument}`),
    "",
    'case "$SLURM_ARRAY_TASK_ID" in',
    ...units,
    "*) exit 96 ;;",
    "esac",
  ].join("\n")}\n`;
}
