import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { openDataset } from "#lib/data/open";
import { makeSynthetic } from "#lib/data/synthetic";
import { startEngine } from "#lib/engine/start";
import { quickVoteMetrics } from "#lib/evaluate/vote-metrics";
import type { VotePredictions } from "#lib/evaluate/vote-predictions";
import { loadModel, loadWeights, saveModel } from "#lib/models/model-file";
import { createModel, listModels, modelDefinition } from "#lib/models/registry";
import { writeWebModel } from "#lib/models/web-format";
import { createPretrained, fetchWeights } from "#lib/models/weights";
import { predict } from "#lib/predict/network-predictor";
import { taskFromDescription } from "#lib/tasks/registry";
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
      /timm\/resnet50\.a1_in1k did not come[\s\S]*put it at .*resnet50\.safetensors/,
    );
    process.env.HF_ENDPOINT = here;
    await assert.rejects(fetchWeights("custom_cnn", { folder }), /no published weights/);
  });

  it("ship with the package, below 3 MB, and know galaxies of the simulator that they never saw", async () => {
    served = [];
    const shipped = listModels().filter((name) => modelDefinition(name).shipped);
    assert.deepEqual(shipped, ["p4m_resnet10_narrow"]);
    const path = await fetchWeights(shipped[0], { folder });
    assert.ok(statSync(path).size < 3e6);
    assert.deepEqual(served, []);
    const { model, description } = loadModel(path);
    await makeSynthetic(join(folder, "synthetic"), { count: 100, size: 96, seed: 77 });
    const dataset = await openDataset("synthetic", { dataFolder: folder });
    assert.ok(description.task);
    const task = taskFromDescription(description.task);
    const rows = Uint32Array.from({ length: 100 }, (_, i) => i);
    const table = (await predict(model, task, dataset, rows)) as VotePredictions;
    assert.ok(quickVoteMetrics(table).correlation > 0.9);
    await dataset.close();
    model.dispose();
  });

  describe("of a model of the hub", () => {
    const config = (architecture: string, more: object = {}) => ({
      ...{ architecture, num_classes: 0, num_features: 32 },
      pretrained_cfg: {
        ...{ custom_load: false, input_size: [3, 64, 64], fixed_input_size: false, crop_pct: 1 },
        ...{ interpolation: "bicubic", mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
        ...{ num_classes: 0, first_conv: "stem.0", classifier: "head.fc", ...more },
      },
    });
    /** What the hub has: a file's bytes by repository and name. */
    const files = new Map<string, Buffer>();
    let hub: Server;
    let usual: string | undefined;
    const put = (repository: string, architecture: string, more?: object) =>
      files.set(
        `/${repository}/resolve/main/config.json`,
        Buffer.from(JSON.stringify(config(architecture, more))),
      );
    before(async () => {
      hub = createServer((request, response) => {
        served.push(`${request.method} ${request.url}`);
        const found = files.get(request.url ?? "");
        response.statusCode = found === undefined ? 404 : 200;
        response.end(request.method === "HEAD" ? undefined : found);
      });
      await new Promise<void>((done) => hub.listen(0, "127.0.0.1", done));
      usual = process.env.HF_ENDPOINT;
      process.env.HF_ENDPOINT = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
    });
    after(() => {
      process.env.HF_ENDPOINT = usual;
      hub.close();
    });
    const options = { folder, attempts: 1 };

    it("are found by its config.json, fetched once, and asked without mean and deviation where they learned so", async () => {
      for (const [owner, architecture] of [
        ["mwalmsley/zoobot-encoder", "test_resnet50"],
        ["mwalmsley/zoobot-encoder", "test_tf_efficientnet"],
        ["somebody/galaxies", "test_convnext"],
      ]) {
        const repository = `${owner}-${architecture}`;
        const made = createModel(architecture, { numClasses: 0, seed: 9 });
        saveModel(made, join(folder, "made.safetensors"));
        put(repository, `${architecture}.gz_evo`);
        files.set(
          `/${repository}/resolve/main/model.safetensors`,
          readFileSync(join(folder, "made.safetensors")),
        );
        const name = `hf_hub:${repository}`;
        const { model, report } = await createPretrained(name, { numClasses: 3, ...options });
        assert.equal(model.name, architecture);
        assert.deepEqual(model.inputSize, [64, 64]);
        const plain = owner.startsWith("mwalmsley");
        assert.deepEqual(model.preprocessing, {
          mean: plain ? [0, 0, 0] : [0.485, 0.456, 0.406],
          std: plain ? [1, 1, 1] : [0.229, 0.224, 0.225],
          interpolation: "bicubic",
        });
        assert.deepEqual(
          report.fresh,
          ["weight", "bias"].map((end) => `${model.classifier}.${end}`),
        );
        for (const [key, { variable }] of made.parameters) {
          const own = model.parameters.get(key)?.variable;
          assert.deepEqual(own?.dataSync(), variable.dataSync(), key);
        }
        made.dispose();
        model.dispose();
        served = [];
        const again = await createPretrained(name, { numClasses: 0, ...options });
        again.model.dispose();
        assert.deepEqual(served, []);
      }
    });

    it("are read from PyTorch's own file where there is no other, as Zoobot's are", async () => {
      const repository = "mwalmsley/zoobot-encoder-convnext_nano";
      put(repository, "test_convnext_nano");
      const file = "test/fixtures/models/test_convnext_nano/pytorch_model.bin";
      files.set(`/${repository}/resolve/main/pytorch_model.bin`, readFileSync(file));
      const name = `hf_hub:${repository}`;
      const { model } = await createPretrained(name, { numClasses: 5, ...options });
      const same = createModel("test_convnext_nano", { numClasses: 5 });
      loadWeights(same, "test/fixtures/models/test_convnext_nano/weights.safetensors");
      for (const [key, { variable }] of same.parameters) {
        assert.deepEqual(model.parameters.get(key)?.variable.dataSync(), variable.dataSync(), key);
      }
      model.dispose();
      same.dispose();
      assert.ok(!existsSync(join(folder, "mwalmsley--zoobot-encoder-convnext_nano.bin")));
    });

    it("are refused by name", async () => {
      const refuse = (name: string, words: RegExp) =>
        assert.rejects(createPretrained(name, { numClasses: 2, ...options }), words);
      await refuse("hf_hub:zoobot", /hf_hub:zoobot is no name .*mwalmsley\/zoobot-encoder/s);
      await refuse("hf_hub:../x", /is no name/);
      await refuse("hf_hub:a/none", /config\.json of a\/none did not come: .*404/);
      put("a/maxvit", "maxvit_tiny_rw_224");
      await refuse("hf_hub:a/maxvit", /architecture maxvit_tiny_rw_224, which there is not here/);
      put("a/odd", "test_convnext", { mean: [0.5] });
      await refuse("hf_hub:a/odd", /no config\.json of a timm model \(pretrained_cfg\.mean/);
      put("a/empty", "test_convnext");
      await refuse("hf_hub:a/empty", /pytorch_model\.bin of a\/empty did not come/);
      put("a/other", "test_resnet18");
      files.set(
        "/a/other/resolve/main/model.safetensors",
        readFileSync(join(folder, "made.safetensors")),
      );
      await refuse("hf_hub:a/other", /does not fit test_resnet18/);
    });
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
