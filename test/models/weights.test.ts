import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "#lib/engine/start";
import { saveModel } from "#lib/models/model-file";
import { createModel } from "#lib/models/registry";
import { writeWebModel } from "#lib/models/web-format";
import { createPretrained, fetchWeights } from "#lib/models/weights";
import { relativeError } from "./parity";

describe("published weights", () => {
  const folder = mkdtempSync(join(tmpdir(), "weights-"));
  const endpoint = process.env.HF_ENDPOINT;
  let server: Server;
  let body: Buffer;
  let stated: string;
  let served: string[] = [];
  before(async () => {
    await startEngine();
    const published = createModel("resnet18", { numClasses: 6, seed: 3 });
    saveModel(published, join(folder, "published.safetensors"));
    published.dispose();
    body = readFileSync(join(folder, "published.safetensors"));
    server = createServer((request, response) => {
      served.push(`${request.method} ${request.url}`);
      response.setHeader("x-linked-etag", `"${stated}"`);
      response.setHeader("content-length", body.length);
      response.end(request.method === "HEAD" ? undefined : body);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    process.env.HF_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  beforeEach(() => {
    served = [];
    stated = createHash("sha256").update(body).digest("hex");
  });
  after(() => {
    if (endpoint === undefined) delete process.env.HF_ENDPOINT;
    else process.env.HF_ENDPOINT = endpoint;
    server.close();
    rmSync(folder, { recursive: true });
  });

  it("come from the hub once, and are checked against its SHA-256", async () => {
    stated = "0".repeat(64);
    const options = { folder, attempts: 1 };
    await assert.rejects(fetchWeights("resnet18", options), /SHA-256[\s\S]*put it at/);
    assert.ok(!existsSync(join(folder, "resnet18.safetensors")));
    stated = createHash("sha256").update(body).digest("hex");
    const path = await fetchWeights("resnet18", options);
    assert.deepEqual(readFileSync(path), body);
    const url = "/timm/resnet18.a1_in1k/resolve/main/model.safetensors";
    assert.deepEqual(served.slice(-2), [`HEAD ${url}`, `GET ${url}`]);
    served = [];
    await fetchWeights("resnet18", options);
    assert.deepEqual(served, []);
  });

  it("bring their classifier when the classes are as many, else leave it fresh", async () => {
    const same = await createPretrained("resnet18", { numClasses: 6, folder });
    assert.deepEqual(same.report.fresh, []);
    const other = await createPretrained("resnet18", { numClasses: 4, folder });
    assert.deepEqual(other.report.fresh, ["fc.weight", "fc.bias"]);
    same.model.dispose();
    other.model.dispose();
  });

  it("say where to put the file when there is no network", async () => {
    const here = process.env.HF_ENDPOINT;
    process.env.HF_ENDPOINT = "http://127.0.0.1:9";
    await assert.rejects(
      fetchWeights("resnet50", { folder, attempts: 1 }),
      /weights of resnet50 did not come[\s\S]*put it at .*resnet50\.safetensors/,
    );
    process.env.HF_ENDPOINT = here;
    await assert.rejects(fetchWeights("custom_cnn", { folder }), /no published weights/);
  });

  it("are written for the browser in shards that tfjs reads", () => {
    const model = createModel("test_vit", { numClasses: 3, seed: 2 });
    const task = { task: "classification", loss: "crossEntropy", outputs: ["a", "b", "c"] };
    for (const half of [false, true]) {
      const manifest = writeWebModel(model, join(folder, "web"), { task }, { half });
      assert.deepEqual(manifest.description.task, task);
      const [{ paths, weights }] = manifest.weightsManifest;
      const bytes = Buffer.concat(paths.map((path) => readFileSync(join(folder, "web", path))));
      const decoded = tf.io.decodeWeights(
        bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
        weights as tf.io.WeightsManifestEntry[],
      );
      assert.deepEqual(Object.keys(decoded), [...model.parameters.keys()]);
      for (const [name, { variable }] of model.parameters) {
        const error = relativeError(decoded[name].dataSync(), variable.dataSync<"float32">(), 1e-3);
        assert.ok(error < (half ? 6e-4 : 1e-12), `${name}: ${error}`);
      }
      tf.dispose(decoded);
    }
    model.dispose();
  });
});
