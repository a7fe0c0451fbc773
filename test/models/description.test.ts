import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "#lib/core/errors";
import { VERSION } from "#lib/core/version";
import { startEngine } from "#lib/engine/start";
import { SafetensorsFile, writeSafetensors } from "#lib/io/safetensors";
import { checkDescription, DESCRIPTION_KEY, describeModel } from "#lib/models/description";
import { loadModel, readModelDescription, saveModel } from "#lib/models/model-file";
import { createModel, listModels } from "#lib/models/registry";
import { stateDict } from "#lib/models/state-dict";

const learned = {
  task: { task: "votes", loss: "beta", outputs: ["smooth", "édge on"], details: { tree: [1, 2] } },
  view: { sourceSize: [424, 424] as const, crop: 224, size: 64, interpolation: "bicubic" as const },
};

describe("descriptions of models", () => {
  const folder = mkdtempSync(join(tmpdir(), "description-"));
  const path = join(folder, "a.safetensors");
  before(() => startEngine());
  after(() => rmSync(folder, { recursive: true }));

  for (const name of listModels().filter((name) => name.startsWith("test_"))) {
    it(`${name} comes back from its file alone`, () => {
      const tensors = tf.memory().numTensors;
      const preprocessing = {
        mean: [0.1, 0.2, 0.3] as const,
        std: [0.4, 0.5, 0.6] as const,
        interpolation: "lanczos" as const,
      };
      const options = { numClasses: 4, dropout: 0.25, dropPath: 0.1, preprocessing, seed: 7 };
      const model = createModel(name, { ...options, inputSize: [64, 96] });
      saveModel(model, path, learned);
      const { model: again, description } = loadModel(path);
      assert.deepEqual(description, describeModel(model, learned));
      assert.deepEqual(describeModel(again, learned), description);
      assert.deepEqual(description.inputSize, [64, 96]);
      // What its pictures were resized by is what it wants from now on.
      assert.deepEqual(description.preprocessing, { ...preprocessing, interpolation: "bicubic" });
      assert.deepEqual(describeModel(model).preprocessing, preprocessing);
      assert.deepEqual(description.task, learned.task);
      assert.deepEqual(description.view, learned.view);
      tf.tidy(() => {
        const images = tf.randomNormal<tf.Rank.R4>([2, 64, 96, 3], 0, 1, "float32", 7);
        const run = (m: typeof model) => m.forward(images, { training: false }).dataSync();
        assert.deepEqual(run(again), run(model));
      });
      again.dispose();
      model.dispose();
      assert.equal(tf.memory().numTensors, tensors, "tensors leaked");
    });
  }

  it("are one string of the header, and the rest is as PyTorch wants it", () => {
    const model = createModel("test_convnext", { numClasses: 2 });
    saveModel(model, path, learned);
    const file = SafetensorsFile.open(path);
    assert.deepEqual(Object.keys(file.metadata).sort(), ["format", DESCRIPTION_KEY]);
    assert.deepEqual([...file.tensors.keys()], [...model.parameters.keys()]);
    file.close();
    model.dispose();
  });

  it("are missing from timm's files, which are asked about by name", () => {
    const model = createModel("test_vit", { numClasses: 2 });
    writeSafetensors(path, stateDict(model));
    assert.equal(readModelDescription(path), undefined);
    assert.throws(() => loadModel(path), /does not say which model/);
    model.dispose();
  });

  it("are checked, key by key", () => {
    const model = createModel("test_vit", { numClasses: 4 });
    const good = describeModel(model, learned);
    model.dispose();
    const refused = (change: object, problem: RegExp) =>
      assert.throws(
        () => checkDescription({ ...good, ...change }, "a.safetensors"),
        (error: Error) => {
          assert.ok(error instanceof UserError);
          assert.match(error.message, problem);
          return true;
        },
      );
    refused({ numClasses: -1 }, /a\.safetensors is not valid: numClasses/);
    refused({ task: { ...learned.task, outputs: ["a", "a"] } }, /task\.outputs: two outputs/);
    refused({ view: { crop: -1 } }, /view\.crop/);
    refused({ preprocessing: { ...good.preprocessing, std: [0, 1, 1] } }, /preprocessing\.std/);
    assert.deepEqual(checkDescription({ ...good, later: 1 }, "a"), good);
    writeSafetensors(path, [], { [DESCRIPTION_KEY]: "{" });
    assert.throws(() => loadModel(path), /no JSON/);
  });

  it("carry the package's version", () => {
    const manifest = readFileSync(join(__dirname, "../../lib/package.json"), "utf8");
    assert.equal(VERSION, JSON.parse(manifest).version);
  });
});
