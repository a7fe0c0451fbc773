import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface FakeJob {
  readonly submission_id: string;
  readonly entrypoint: string;
  status: "PENDING" | "RUNNING" | "STOPPED" | "SUCCEEDED" | "FAILED";
  message: string;
  driver_exit_code: number | null;
  process?: ChildProcess;
}

/**
 * Stands for the dashboard of a Ray 2.60 with one node: what it answers was taken from a real one, refusals
 * included. Jobs are really run, by the shell, as many at once as there are CPUs.
 */
export class FakeRay {
  readonly jobs = new Map<string, FakeJob>();
  private readonly server = createServer((request, response) => this.answer(request, response));

  constructor(private readonly cpus = 2) {}

  /** @returns the address */
  async open(port = 0): Promise<string> {
    this.server.listen(port, "127.0.0.1");
    await once(this.server, "listening");
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** What happens to the jobs of a node that dies. */
  killNode(): void {
    for (const job of this.jobs.values()) {
      if (job.status !== "RUNNING") continue;
      job.status = "FAILED";
      job.message = "Unexpected error occurred: The actor died because its node has died.";
      if (job.process?.pid) process.kill(-job.process.pid, "SIGKILL");
    }
  }

  async close(): Promise<void> {
    for (const job of this.jobs.values()) if (job.status === "RUNNING") this.end(job);
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: unknown) => {
      response.writeHead(status);
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    };
    const { method = "", url = "", headers } = request;
    if (Object.keys(headers).some((name) => name.startsWith("sec-fetch-"))) {
      return send(405, `'${method}' method not allowed for browser traffic.`);
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const [, id = "", action] = /^\/api\/jobs\/([^/]*)\/?(.*)$/.exec(url) ?? [];
    if (url === "/api/version") return send(200, { version: "4", ray_version: "2.60.0" });
    if (url === "/api/cluster_status") {
      const usage = { CPU: [0, this.cpus], memory: [0, 1e9] };
      return send(200, { data: { clusterStatus: { loadMetricsReport: { usage } } } });
    }
    if (url === "/api/jobs/" && method === "POST") {
      const asked = JSON.parse(Buffer.concat(chunks).toString("utf8"));
      if (typeof asked.entrypoint !== "string")
        return send(400, "Traceback\nTypeError: entrypoint");
      if (this.jobs.has(asked.submission_id)) {
        const why = `ValueError: Job with submission_id ${asked.submission_id} already exists.`;
        return send(
          500,
          `Traceback (most recent call last):\n${why} Please use a different one.\n`,
        );
      }
      const job: FakeJob = { ...asked, status: "PENDING", message: "", driver_exit_code: null };
      this.jobs.set(job.submission_id, job);
      this.begin();
      return send(200, { job_id: job.submission_id, submission_id: job.submission_id });
    }
    if (url === "/api/jobs/" && method === "GET") {
      const driver = { submission_id: null, status: "RUNNING", message: null };
      const jobs = [...this.jobs.values()].map(({ process: _, ...job }) => job);
      return send(200, [...jobs, driver]);
    }
    const job = this.jobs.get(id);
    if (job === undefined)
      return send(404, url.includes("/jobs/") ? `Job ${id} does not exist` : "");
    if (action === "stop" && method === "POST") {
      if (job.status === "RUNNING") this.end(job);
      return send(200, { stopped: true });
    }
    return send(404, "404: Not Found");
  }

  private begin(): void {
    const jobs = [...this.jobs.values()];
    const free = this.cpus - jobs.filter(({ status }) => status === "RUNNING").length;
    for (const job of jobs.filter(({ status }) => status === "PENDING").slice(0, free)) {
      job.status = "RUNNING";
      job.process = spawn("sh", ["-c", job.entrypoint], { detached: true, stdio: "ignore" });
      job.process.once("exit", (code, signal) => {
        if (job.status === "RUNNING") {
          job.status = code === 0 ? "SUCCEEDED" : "FAILED";
          job.driver_exit_code = signal === null ? code : -9;
        }
        this.begin();
      });
    }
  }

  private end(job: FakeJob): void {
    job.status = "STOPPED";
    if (job.process?.pid) process.kill(-job.process.pid, "SIGTERM");
  }
}
