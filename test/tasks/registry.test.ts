import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Dataset } from "#lib/data/dataset";
import { startEngine } from "#lib/engine/start";
import { loadModel } from "#lib/models/model-file";
import { createModel } from "#lib/models/registry";
import { predict } from "#lib/predict/network-predictor";
import { createTask, listTasks, registerTask, taskFromDescription } from "#lib/tasks/registry";
import { openCheckpoint } from "#lib/train/checkpoint";
import { experimentSchema, parseConfig, trainConfigSchema } from "#lib/train/config";
import { type FitOptions, fit as learn } from "#lib/train/fit";
import { RunFolder } from "#lib/train/run-folder";
import { rowsOf, temporaryFolder, tinyDataset } from "../train/support";
import { fractions } from "./outside-task";

/** The tiny galaxies with votes in the place of labels: half as many said "red" of the gray ones. */
function voted(): Dataset {
  const dataset = tinyDataset();
  const { id, label } = dataset.table;
  const values = Array.from(label, Number).flatMap((l) => [0.1 + 0.8 * l, 0.9 - 0.8 * l]);
  return {
    ...dataset,
    classNames: [],
    table: { id },
    votes: {
      questions: [{ name: "color", answers: ["red", "gray"] }],
      answers: ["red", "gray"],
      fractions: Float64Array.from(values),
    },
  };
}

describe("tasks", () => {
  const folder = temporaryFolder();
  before(() => startEngine());
  after(() => folder.remove());

  it("have names, sentences, losses and a description that makes them again", () => {
    for (const definition of listTasks()) {
      assert.match(definition.name, /^[a-z][A-Za-z0-9]*$/);
      assert.ok(definition.sentence.length > 0 && definition.losses.length > 0);
    }
    const task = createTask(tinyDataset(), { loss: { name: "focal", gamma: 1 } });
    const again = taskFromDescription(JSON.parse(JSON.stringify(task.description)));
    assert.deepEqual(again.description, task.description);
    assert.deepEqual([again.numLogits, again.outputs], [2, ["gray", "red"]]);
  });

  it("say in a sentence what data they cannot learn", () => {
    const { votes: _, ...plain } = voted();
    assert.throws(() => createTask(plain), /tiny has neither labels nor votes: .*\n.*column label/);
    const asVotes = { task: "votes" };
    assert.throws(() => createTask(tinyDataset(), asVotes), /tiny has labels, but no votes/);
    assert.throws(() => createTask(tinyDataset(), { task: "poetry" }), /no task "poetry"/);
    const loss = { name: "hinge" };
    assert.throws(() => createTask(tinyDataset(), { loss }), /no loss "hinge"\n.*crossEntropy/);
    const unlabeled = tinyDataset();
    const label = Int32Array.from(unlabeled.table.label, Number).fill(-1, 3, 4);
    const some = { ...unlabeled, table: { ...unlabeled.table, label } };
    assert.throws(() => createTask(some).targets(some, [3]), /class of g3 in tiny is not known/);
  });

  it("match classes by name, and refuse one that the model does not have", () => {
    const task = taskFromDescription({
      task: "classification",
      loss: "crossEntropy",
      outputs: ["Red", "gray", "Blue"],
    });
    const data = tinyDataset(4);
    assert.deepEqual([...task.strata(data).of], [1, 0, 1, 0]);
    const answers = Float64Array.of(0.5, 0.3, 0.2, 0.2, 0.2, 0.6);
    const text = task.formatTable(task.table(data, [0, 1], answers));
    assert.equal(text.split(/\r?\n/)[0], "id,label,predicted,p_Red,p_gray,p_Blue");
    const swapped = "id,p_Blue,p_Red,p_gray\ng0,0.2,0.5,0.3\n";
    assert.match(task.formatTable(task.parseTable(swapped, "a.csv")), /g0,,Red,0.5,0.3,0.2/);
    assert.throws(() => task.parseTable("id,p_Red,p_gray\ng0,1,0\n", "a.csv"), /a\.csv has the cl/);
    const other = { ...data, classNames: ["gray", "purple"] };
    assert.throws(
      () => task.strata(other),
      /g1 in tiny is of the class "purple".*Red, gray, Blue/s,
    );
  });

  describe("from outside", () => {
    const dataset = voted();
    const config = parseConfig(trainConfigSchema, {
      epochs: 6,
      batchSize: 8,
      optimizer: { learningRate: 1e-2 },
    });
    const rows = { train: rowsOf(0, 48), val: rowsOf(48, 64) };
    let unregister = () => {};
    after(() => unregister());
    before(() => {
      const asClasses = { task: "classification" };
      assert.throws(() => createTask(dataset, asClasses), /tiny has votes, but no labels/);
      unregister = registerTask(fractions);
      assert.throws(() => registerTask(fractions), /a task "fractions" already/);
    });

    const trained = async (path: string, options: FitOptions = {}) => {
      const task = createTask(dataset, { task: "fractions" });
      const model = createModel("test_custom_cnn", { numClasses: task.numLogits });
      const run = new RunFolder(path);
      try {
        return await learn({ model, task, dataset, ...rows }, config, run, options);
      } finally {
        model.dispose();
      }
    };

    it("have their losses in configs", () => {
      const data = { spec: "x" };
      const model = { name: "resnet18" };
      const parse = (task: string | undefined, loss: object) =>
        parseConfig(experimentSchema, { data, model, task, train: { loss: { ...loss } } });
      assert.deepEqual(parse("fractions", {}).train.loss, {});
      assert.deepEqual(parse("fractions", { name: "distance" }).train.loss, {
        name: "distance",
        scale: 1,
      });
      assert.throws(() => parse("fractions", { name: "focal" }), /train\.loss: the task fractions/);
      assert.throws(() => parse(undefined, { scale: -1, name: "distance" }), /scale/);
    });

    it("train, resume, are tracked, saved, predicted and evaluated as any other", async () => {
      const whole = join(folder.path, "whole");
      const { history } = await trained(whole);
      const columns = ["epoch", "trainLoss", "trainMeanAbsoluteError", "valLoss"];
      assert.deepEqual(Object.keys(history), [...columns, "valMeanAbsoluteError"]);
      assert.ok(history.valLoss[5] < history.valLoss[0]);
      assert.match(readFileSync(join(whole, "history.csv"), "utf8"), /valMeanAbsoluteError/);

      const stopped = join(folder.path, "stopped");
      const stop = new AbortController();
      const onStep = ({ done }: { done: number }) => done === 80 && stop.abort(new Error("enough"));
      await assert.rejects(trained(stopped, { signal: stop.signal, onStep }), /enough/);
      assert.deepEqual((await trained(stopped)).history, history);

      const best = openCheckpoint(new RunFolder(whole).bestPath);
      assert.ok(best && existsSync(best.files.model));
      const { model, description } = loadModel(best.files.model);
      assert.deepEqual(description.task?.outputs, ["red", "gray"]);
      assert.ok(description.task);
      const task = taskFromDescription(description.task);
      const table = await predict(model, task, dataset, rows.val);
      model.dispose();
      const metrics = task.metrics(table) as { meanAbsoluteError: number };
      const lowest = Math.min(...history.valMeanAbsoluteError);
      assert.ok(Math.abs(metrics.meanAbsoluteError - lowest) < 1e-5);
      assert.equal(task.parseTable(task.formatTable(table), "a.csv").ids.length, 16);
    });

    it("name the columns that can be monitored", async () => {
      const task = createTask(dataset, { task: "fractions" });
      const model = createModel("test_custom_cnn", { numClasses: task.numLogits });
      const run = new RunFolder(join(folder.path, "monitor"));
      const bad = parseConfig(trainConfigSchema, { batchSize: 8, monitor: "valAccuracy" });
      await assert.rejects(
        learn({ model, task, dataset, ...rows }, bad, run),
        /train\.monitor is "valAccuracy".*fractions.*\n.*valLoss, valMeanAbsoluteError/,
      );
      model.dispose();
    });
  });
});
