import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createTask } from "#lib/tasks/registry";
import { MlflowTracker } from "#lib/train/mlflow";
import type { EpochRecord } from "#lib/train/tracker";
import { temporaryFolder, tinyDataset } from "./support";

interface Call {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly authorization?: string;
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text === "" ? {} : JSON.parse(text);
}

/** A server that behaves as MLflow's REST API does, and remembers what it was asked. */
async function startServer() {
  const calls: Call[] = [];
  const experiments = new Map<string, string>();
  const runs = new Map<string, string>();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://x");
    const path = url.pathname.replace("/api/2.0/mlflow/", "");
    const body = await bodyOf(request);
    calls.push({ path, body, authorization: request.headers.authorization });
    const answer = (status: number, content: object) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(content));
    };
    const missing = { error_code: "RESOURCE_DOES_NOT_EXIST", message: "not there" };
    const runId = String(body.run_id ?? body.run_uuid);
    if (path === "experiments/get-by-name") {
      const id = experiments.get(url.searchParams.get("experiment_name") ?? "");
      return id ? answer(200, { experiment: { experiment_id: id } }) : answer(404, missing);
    }
    if (path === "experiments/create") {
      experiments.set(String(body.name), "7");
      return answer(200, { experiment_id: "7" });
    }
    if (path === "runs/create") {
      runs.set(`run${runs.size}`, "RUNNING");
      return answer(200, { run: { info: { run_id: `run${runs.size - 1}` } } });
    }
    if (!runs.has(runId)) return answer(404, missing);
    if (path === "runs/update") runs.set(runId, String(body.status));
    return answer(200, {});
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise((done) => server.close(done));
  return { uri: `http://127.0.0.1:${port}`, calls, runs, close };
}

const record = (epoch: number): EpochRecord => ({
  epoch,
  values: { epoch, trainLoss: 1 / epoch, valLoss: Number.NaN },
  learningRate: 0.001,
  task: createTask(tinyDataset(2, 8)),
  dataset: tinyDataset(2, 8),
});

describe("MLflow tracker", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let server: Awaited<ReturnType<typeof startServer>>;
  beforeEach(async () => {
    folder = temporaryFolder();
    server = await startServer();
  });
  afterEach(async () => {
    folder.remove();
    await server.close();
  });
  const settings = {
    setting: Array.from({ length: 130 }, (_, i) => `key${i}`),
    value: Array.from({ length: 130 }, (_, i) => (i === 0 ? "x".repeat(9000) : String(i))),
  };
  const tracker = () =>
    new MlflowTracker({ uri: `${server.uri}/`, experiment: "galaxies & more" }, folder.path);

  it("makes the experiment and the run, and reports parameters, metrics and the end", async () => {
    const one = tracker();
    await one.begin(settings);
    await one.epoch(record(2));
    await one.end("finished");
    const paths = server.calls.map(({ path }) => path);
    assert.deepEqual(paths, [
      ...["experiments/get-by-name", "experiments/create", "runs/create"],
      ...["runs/log-batch", "runs/log-batch", "runs/log-batch", "runs/update"],
    ]);
    assert.equal(server.calls[2].body.experiment_id, "7");
    const params = server.calls.slice(3, 5).map(({ body }) => body.params as { value: string }[]);
    assert.deepEqual(
      params.map(({ length }) => length),
      [100, 30],
    );
    assert.equal(params[0][0].value.length, 500);
    const metrics = server.calls[5].body.metrics as { key: string; value: number; step: number }[];
    assert.deepEqual(
      metrics.map(({ key, value, step }) => [key, value, step]),
      [
        ["trainLoss", 0.5, 2],
        ["learningRate", 0.001, 2],
      ],
    );
    assert.equal(server.runs.get("run0"), "FINISHED");
  });

  it("goes on with the server's run, or begins one where that is gone", async () => {
    await tracker().begin(settings);
    await tracker().begin(settings);
    assert.deepEqual([...server.runs], [["run0", "RUNNING"]]);
    server.runs.clear();
    await tracker().begin(settings);
    assert.equal(server.calls.filter(({ path }) => path === "runs/create").length, 2);
    assert.equal(server.calls.filter(({ path }) => path === "experiments/create").length, 1);
    rmSync(join(folder.path, "mlflow.json"));
  });

  it("says that its note is damaged", async () => {
    await tracker().begin(settings);
    for (const text of ["", "{", "[]", '{"uri": 5}', "null"]) {
      writeFileSync(join(folder.path, "mlflow.json"), text);
      await assert.rejects(tracker().begin(settings), /mlflow\.json.* is damaged\n.*delete it/);
    }
  });

  it("reads no answer of gigabytes", async () => {
    const flood = createServer((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const piece = Buffer.alloc(2 ** 20, " ");
      let sent = 0;
      const more = () => {
        while (sent++ < 4096 && response.write(piece));
      };
      response.on("drain", more);
      more();
    });
    await new Promise<void>((done) => flood.listen(0, "127.0.0.1", done));
    const { port } = flood.address() as AddressInfo;
    const before = process.memoryUsage().rss;
    const one = new MlflowTracker(
      { uri: `http://127.0.0.1:${port}`, experiment: "e" },
      folder.path,
    );
    await assert.rejects(one.begin(settings), /answers with more than \d+ bytes/);
    assert.ok(process.memoryUsage().rss - before < 200e6);
    flood.closeAllConnections();
    await new Promise((done) => flood.close(done));
  });

  it("signs in", async () => {
    process.env.MLFLOW_TRACKING_TOKEN = "secret";
    try {
      await tracker().begin(settings);
    } finally {
      delete process.env.MLFLOW_TRACKING_TOKEN;
    }
    assert.equal(server.calls[0].authorization, "Bearer secret");
  });

  it("says which server cannot be reached, and what one answered", async () => {
    const { uri } = server;
    const gone = new MlflowTracker({ uri: "http://127.0.0.1:1", experiment: "e" }, folder.path);
    await assert.rejects(gone.begin(settings), /127\.0\.0\.1:1 cannot be reached/);
    const one = tracker();
    await one.begin(settings);
    server.runs.clear();
    await assert.rejects(one.epoch(record(1)), new RegExp(`answered 404 to ${uri}.*not there`));
  });
});
