import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors";
import { writeFileAtomic } from "../io/atomic";
import type { settingsColumns } from "./config-columns";
import { MLFLOW_NOTE } from "./run-folder";
import type { EpochRecord, Tracker } from "./tracker";

/** Where an MLflow server is, and what the runs there belong to. */
export interface MlflowOptions {
  /** Address of the server, such as `http://127.0.0.1:5000`. */
  readonly uri: string;
  /** Name of the experiment, made if it is not there. */
  readonly experiment: string;
}

const answers = {
  experiment: z.object({ experiment: z.object({ experiment_id: z.string() }) }),
  created: z.object({ experiment_id: z.string() }),
  run: z.object({ run: z.object({ info: z.object({ run_id: z.string() }) }) }),
  anything: z.unknown(),
};

/** What `mlflow.json` says. */
const noteSchema = z.object({ uri: z.string(), runId: z.string() });

/** The longest answer that is read, bytes; MLflow's are a few hundred. */
const LONGEST = 2 ** 20;

/** The most parameters that one call may bring. */
const PARAMETERS = 100;

/**
 * Reports a run to an MLflow server over its REST API: the config as parameters, each epoch's row of the
 * history as metrics. A run that goes on later goes on there as well.
 *
 * `MLFLOW_TRACKING_TOKEN`, or `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, sign in.
 *
 * @see https://mlflow.org/docs/latest/rest-api.html
 */
export class MlflowTracker implements Tracker {
  private runId = "";

  constructor(
    private readonly options: MlflowOptions,
    private readonly folder: string,
  ) {}

  /** Called before the first step. */
  async begin({ setting, value }: ReturnType<typeof settingsColumns>): Promise<void> {
    if (await this.goOn()) return;
    const { run } = await this.call("POST", "runs/create", answers.run, {
      experiment_id: await this.experimentId(),
      run_name: basename(this.folder),
      start_time: Date.now(),
    });
    this.runId = run.info.run_id;
    writeFileAtomic(this.notePath, JSON.stringify({ uri: this.options.uri, runId: this.runId }));
    const params = setting.map((key, i) => ({ key, value: value[i].slice(0, 500) }));
    for (let from = 0; from < params.length; from += PARAMETERS) {
      const some = params.slice(from, from + PARAMETERS);
      await this.call("POST", "runs/log-batch", answers.anything, {
        run_id: this.runId,
        params: some,
      });
    }
  }

  /** Called after each epoch. */
  async epoch({ epoch, values, learningRate }: EpochRecord): Promise<void> {
    const timestamp = Date.now();
    const metrics = Object.entries({ ...values, learningRate })
      .filter(([key, value]) => key !== "epoch" && Number.isFinite(value))
      .map(([key, value]) => ({ key, value, timestamp, step: epoch }));
    await this.call("POST", "runs/log-batch", answers.anything, { run_id: this.runId, metrics });
  }

  /** Called when the run ends, however it does. */
  async end(status: "finished" | "interrupted" | "failed"): Promise<void> {
    const name = { finished: "FINISHED", interrupted: "KILLED", failed: "FAILED" }[status];
    await this.update({ status: name, end_time: Date.now() });
  }

  private get notePath(): string {
    return join(this.folder, MLFLOW_NOTE);
  }

  /** Take up the server's run of an earlier sitting, where it still knows it. */
  private async goOn(): Promise<boolean> {
    if (!existsSync(this.notePath)) return false;
    const note = noteSchema.safeParse(jsonOf(readFileSync(this.notePath, "utf8")));
    if (!note.success) {
      throw new UserError(
        `${this.notePath}, which says which run of the MLflow server this is, is damaged`,
        "delete it: a new run is then begun there",
      );
    }
    if (note.data.uri !== this.options.uri) return false;
    this.runId = note.data.runId;
    try {
      await this.update({ status: "RUNNING" });
      return true;
    } catch (error) {
      if (error instanceof MlflowRefusal && error.status === 404) return false;
      throw error;
    }
  }

  private async update(changes: object): Promise<void> {
    const body = { run_id: this.runId, ...changes };
    await this.call("POST", "runs/update", answers.anything, body);
  }

  private async experimentId(): Promise<string> {
    const { experiment: name } = this.options;
    try {
      const path = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
      return (await this.call("GET", path, answers.experiment)).experiment.experiment_id;
    } catch (error) {
      if (!(error instanceof MlflowRefusal && error.status === 404)) throw error;
      const made = await this.call("POST", "experiments/create", answers.created, { name });
      return made.experiment_id;
    }
  }

  /** @throws UserError when the server cannot be reached or refuses */
  private async call<S extends z.ZodType>(
    method: "GET" | "POST",
    path: string,
    answer: S,
    body?: object,
  ): Promise<z.output<S>> {
    const url = `${this.options.uri.replace(/\/+$/, "")}/api/2.0/mlflow/${path}`;
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method,
        headers: { "content-type": "application/json", ...credentials() },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(15_000),
      });
      text = await textOf(response);
    } catch (cause) {
      if (cause instanceof UserError) throw cause;
      throw new UserError(
        `the MLflow server ${this.options.uri} cannot be reached`,
        "start it, correct train.log.mlflow.uri, or leave it out",
        { cause },
      );
    }
    if (!response.ok) throw new MlflowRefusal(response.status, `${url}: ${text.slice(0, 300)}`);
    const parsed = answer.safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
    throw new MlflowRefusal(response.status, `${url}: an answer that is not MLflow's`);
  }
}

class MlflowRefusal extends UserError {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(
      `the MLflow server answered ${status} to ${detail}`,
      "see train.log.mlflow and the MLFLOW_TRACKING_… variables",
    );
  }
}

/** The text of an answer, in bounded memory: whatever answers need not be MLflow. */
async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [text, length] = ["", 0];
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    // Leaving the loop ends the connection.
    if (length > LONGEST) {
      throw new UserError(
        `${response.url} answers with more than ${LONGEST} bytes: that is no MLflow server`,
        "correct train.log.mlflow.uri, or leave it out",
      );
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function credentials(): Record<string, string> {
  const { MLFLOW_TRACKING_TOKEN: token, MLFLOW_TRACKING_USERNAME: user } = process.env;
  if (token) return { authorization: `Bearer ${token}` };
  if (!user) return {};
  const pair = `${user}:${process.env.MLFLOW_TRACKING_PASSWORD ?? ""}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}
