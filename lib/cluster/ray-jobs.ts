import { request as overHttp } from "node:http";
import { request as overHttps } from "node:https";
import { z } from "zod";
import { UserError } from "../core/errors";

const jobSchema = z.object({
  /** What it was submitted by; none for a driver that was not. */
  submission_id: z.string().nullish(),
  /** Whether it waits, runs, or how it ended. */
  status: z.enum(["PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"]),
  /** How it ended. */
  message: z.string().nullish(),
  /** Of its entrypoint. */
  driver_exit_code: z.number().nullish(),
});

/** A job as Ray describes it. */
export type RayJob = z.output<typeof jobSchema>;

const usageSchema = z.object({
  data: z.object({
    clusterStatus: z.object({
      loadMetricsReport: z.object({
        /** Name of a resource → how much is taken, and how much there is. */
        usage: z.record(z.string(), z.tuple([z.number(), z.number()])),
      }),
    }),
  }),
});

const SLOWEST = 60_000;

/**
 * Ray's Jobs interface (https://docs.ray.io/en/latest/cluster/running-applications/job-submission/rest.html),
 * over `node:http`: Ray refuses requests that look like a browser's, and those of Node's `fetch` do.
 */
export class RayJobs {
  private readonly base: URL;

  /**
   * @param address Of Ray's dashboard, such as `http://127.0.0.1:8265`.
   * @throws UserError when it is no such address
   */
  constructor(readonly address: string) {
    const base = URL.canParse(address) ? new URL(address) : undefined;
    if (base === undefined || !/^https?:$/.test(base.protocol)) {
      throw new UserError(
        `"${address}" is no address of Ray's dashboard`,
        "give one such as --address http://127.0.0.1:8265; ports 6379 and 10001 are for others",
      );
    }
    this.base = base;
  }

  /** Ray's version. @throws UserError when no Ray answers */
  async version(): Promise<string> {
    const { status, text } = await this.ask("GET", "api/version");
    const found = z.object({ ray_version: z.string() }).safeParse(parsed(text));
    if (found.success) return found.data.ray_version;
    throw new UserError(
      `what answers at ${this.address} is no Ray (${status}: ${text.slice(0, 60).trim()})`,
      "give the address of Ray's dashboard, such as --address http://HOST:8265",
    );
  }

  /** How much there is of each resource, such as `CPU` and `GPU`; undefined where Ray does not say. */
  async resources(): Promise<ReadonlyMap<string, number> | undefined> {
    const { text } = await this.ask("GET", "api/cluster_status");
    const found = usageSchema.safeParse(parsed(text)).data;
    const usage = found?.data.clusterStatus.loadMetricsReport.usage;
    return usage && new Map(Object.entries(usage).map(([name, [, total]]) => [name, total]));
  }

  /** Submit a job. One of this id that is there already is left as it is. */
  async submit(job: {
    readonly submission_id: string;
    readonly entrypoint: string;
    readonly entrypoint_num_cpus: number;
    readonly entrypoint_num_gpus: number;
    readonly metadata: Readonly<Record<string, string>>;
  }): Promise<void> {
    const { status, text } = await this.ask("POST", "api/jobs/", job);
    if (status === 200 || text.includes("already exists")) return;
    throw this.refused(`the job ${job.submission_id}`, status, text);
  }

  /** All jobs that Ray knows of, by the id that they were submitted by. */
  async list(): Promise<ReadonlyMap<string, RayJob>> {
    const { status, text } = await this.ask("GET", "api/jobs/");
    const jobs = z.array(jobSchema).safeParse(parsed(text)).data;
    if (jobs === undefined) throw this.refused("a list of the jobs", status, text);
    return new Map(jobs.map((job) => [job.submission_id ?? "", job]));
  }

  /** End a job; nothing is done where it has ended, or is not known. */
  async stop(id: string): Promise<void> {
    const { status, text } = await this.ask("POST", `api/jobs/${encodeURIComponent(id)}/stop`);
    if (status !== 200 && status !== 404) throw this.refused(`to stop ${id}`, status, text);
  }

  private refused(what: string, status: number, text: string): UserError {
    // Ray answers with a traceback, whose last line says what it is.
    const why = text.trim().split("\n").at(-1) ?? "";
    return new UserError(
      `Ray at ${this.address} refused ${what}: ${why} (${status})`,
      "see the dashboard there, or Ray's logs",
    );
  }

  private ask(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; text: string }> {
    const request = this.base.protocol === "https:" ? overHttps : overHttp;
    const content = body === undefined ? "" : JSON.stringify(body);
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(content),
    };
    return new Promise((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException) => reject(this.silent(error));
      const asked = request(
        new URL(path, `${this.base.href.replace(/\/$/, "")}/`),
        // A connection that was kept may have been closed meanwhile.
        { method, headers, timeout: SLOWEST, agent: false },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", fail);
          answer.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            resolve({ status: answer.statusCode ?? 0, text });
          });
        },
      );
      asked.on("error", fail);
      asked.on("timeout", () => asked.destroy(new Error(`no answer within ${SLOWEST / 1000} s`)));
      asked.end(content);
    });
  }

  private silent(cause: NodeJS.ErrnoException): UserError {
    return new UserError(
      `no Ray answers at ${this.address} (${cause.code ?? cause.message})`,
      "start one with `ray start --head`, or give the address of its dashboard: --address http://HOST:8265",
      { cause },
    );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
