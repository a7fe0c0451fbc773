import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "#lib/engine/start";
import { saveModel } from "#lib/models/model-file";
import { createModel } from "#lib/models/registry";
import { initialState, saveCheckpoint } from "#lib/train/checkpoint";
import { experimentSchema, parseConfig } from "#lib/train/config";
import { createExperimentModel } from "#lib/train/experiment-model";
import { RunFolder } from "#lib/train/run-folder";
import { temporaryFolder } from "./support";

describe("the model of an experiment", () => {
  const folder = temporaryFolder();
  before(() => startEngine());
  after(() => folder.remove());

  it("is refused where it has nothing to drop that it is asked to drop", async () => {
    const asked = (name: string, options: object) =>
      createExperimentModel(
        parseConfig(experimentSchema, { data: { spec: "synthetic" }, model: { name, ...options } }),
        { numLogits: 2, description: { task: "classification", loss: "", outputs: ["a", "b"] } },
      );
    const tensors = tf.memory().numTensors;
    const both = { dropout: 0.5, dropPath: 0.5 };
    await assert.rejects(
      asked("test_custom_cnn", both),
      /test_custom_cnn has no layer on which model\.dropPath could act\n.*leave the key out/,
    );
    const { model } = await asked("test_vit", both);
    model.dispose();
    assert.equal(tf.memory().numTensors, tensors);
  });

  it("begins where another run ended, or says which one is to be trained first", async () => {
    const model = createModel("test_custom_cnn", { numClasses: 2, seed: 9 });
    const run = new RunFolder(folder.path);
    const config = parseConfig(experimentSchema, {
      data: { spec: "synthetic" },
      model: { name: "test_custom_cnn", weights: folder.path },
    });
    const outputs = ["a", "b", "c", "d", "e"];
    const description = { task: "classification", loss: "crossEntropy", outputs };
    const task = { numLogits: 5, description };
    await assert.rejects(
      createExperimentModel(config, task),
      /model\.weights is .*no run with a checkpoint\n.*train the stage before: .*--out/,
    );
    saveCheckpoint(
      run.bestPath,
      { ...initialState(), epoch: 1 },
      {
        model: (path) => saveModel(model, path),
      },
    );
    const { model: next, says } = await createExperimentModel(config, task);
    assert.match(`${says}`, /weights of .*the classifier starts fresh: the file's has 2 outputs/);
    const name = "stem.0.conv.weight";
    const [a, b] = [model, next].map((one) => one.parameters.get(name)?.variable.dataSync());
    assert.ok(a !== undefined);
    assert.deepEqual(a, b);
    assert.equal(next.numClasses, 5);
    for (const one of [model, next]) one.dispose();
  });
});
