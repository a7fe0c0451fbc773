import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../core/errors";
import { type RayJob, RayJobs } from "./ray-jobs";
import type { Job, JobState, Runner, RunnerDefinition, RunnerOptions } from "./runner";
import { endOf, shellCommand } from "./shell-command";

/** A head that is busy, or begins anew, is asked again so often, with as many seconds between. */
const [TRIES, PAUSE] = [30, 3];

/** Units as jobs of a Ray cluster. */
class RayRunner implements Runner {
  readonly name = "ray";
  readonly detached = true;

  constructor(
    private readonly jobs: RayJobs,
    private readonly resources: { readonly cpus: number; readonly gpus: number },
    readonly slots: number,
  ) {}

  async start(job: Job): Promise<string> {
    await patiently(() =>
      this.jobs.submit({
        submission_id: job.id,
        entrypoint: shellCommand(job, this.resources.cpus),
        entrypoint_num_cpus: this.resources.cpus,
        entrypoint_num_gpus: this.resources.gpus,
        metadata: { log: job.log },
      }),
    );
    return job.id;
  }

  async poll(handles: readonly string[]): Promise<ReadonlyMap<string, JobState>> {
    const jobs = await patiently(() => this.jobs.list());
    return new Map(handles.map((handle) => [handle, stateOf(jobs.get(handle))]));
  }

  stop(handle: string): Promise<void> {
    return this.jobs.stop(handle);
  }
}

function stateOf(job: RayJob | undefined): JobState {
  if (job === undefined) return { state: "ended", reason: "is not known to this Ray any more" };
  const { status, message, driver_exit_code: code } = job;
  if (status === "PENDING") return { state: "queued" };
  if (status === "RUNNING") return { state: "running" };
  if (status === "STOPPED") return { state: "ended", reason: "was stopped" };
  if (typeof code === "number") return endOf(code);
  const why = (message ?? "").trim().split("\n")[0].slice(0, 300);
  return { state: "ended", reason: `ended with the node, by Ray's word: ${why}` };
}

async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (attempt === TRIES) throw error;
      await sleep(1000 * PAUSE);
    }
  }
}

export const ray: RunnerDefinition = {
  sentence: "jobs of a Ray cluster, over its dashboard",
  takes: ["address"],
  async open({ atOnce, cpus = 1, gpus = 0, address }: RunnerOptions) {
    const jobs = new RayJobs(address ?? (process.env.RAY_ADDRESS || "http://127.0.0.1:8265"));
    await jobs.version();
    const there = await jobs.resources();
    const places = Math.min(
      ...[
        ["CPU", cpus],
        ["GPU", gpus],
      ].map(([name, each]) => {
        if (each === 0 || there === undefined) return Number.POSITIVE_INFINITY;
        return Math.floor((there.get(String(name)) ?? 0) / Number(each));
      }),
    );
    if (places < 1) {
      const has = [...(there ?? [])].filter(([name]) => name === "CPU" || name === "GPU");
      throw new UserError(
        `the Ray at ${jobs.address} has ${has.map(([name, n]) => `${n} ${name}`).join(", ") || "no CPU"}, and a unit takes ${cpus} CPU and ${gpus} GPU`,
        "ask for less with --cpus and --gpus, or add nodes",
      );
    }
    // Ray gives up on a job that waits for a place for a quarter of an hour: the others wait here.
    return new RayRunner(jobs, { cpus, gpus }, atOnce ?? (Number.isFinite(places) ? places : 16));
  },
};
