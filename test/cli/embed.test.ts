import assert from "node:assert/strict";
import { readEmbedding } from "#lib/embed/embedding-file";
import { startEngine } from "#lib/engine/start";
import { saveModel } from "#lib/models/model-file";
import { createModel } from "#lib/models/registry";
import { temporaryFolder, writeClasses } from "../train/support";
import { tuningFork } from "./support";

describe("tuning-fork embed", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  after(() => folder.remove());

  it("writes what a network sees, part by part", async () => {
    await writeClasses(`${folder.path}/images`, { faint: 3, medium: 4 });
    await startEngine();
    const model = createModel("test_custom_cnn", { numClasses: 2, inputSize: [32, 32], seed: 1 });
    const task = { task: "classification", loss: "crossEntropy", outputs: ["yes", "no"] };
    const weights = `${folder.path}/model.safetensors`;
    saveModel(model, weights, { task });
    const width = model.numFeatures;
    model.dispose();
    const files = ["1/2", "2/2"].map((shard, i) => {
      const out = `${folder.path}/part-${i}.${["parquet", "npy"][i]}`;
      const data = ["--data", `${folder.path}/images`, "--out", out, "--shard", shard];
      const { code, error, out: said } = tuningFork("embed", "--weights", weights, ...data);
      assert.equal(code, 0, error);
      assert.match(said, new RegExp(`${3 + i} galaxies, ${width} numbers each`));
      return out;
    });
    const { ids, values, source } = await readEmbedding(...files);
    assert.deepEqual([ids.length, values.length], [7, 7 * width]);
    assert.equal(source.model, "test_custom_cnn");
    assert.match(source.weights, /^[0-9a-f]{16}$/);
    assert.ok(values.some((value) => value !== 0));
  });
});
