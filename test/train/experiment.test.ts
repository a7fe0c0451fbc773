import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { stringify } from "yaml";
import { openExperiment, openExperiments } from "#lib/train/open-experiment";
import { findRuns } from "#lib/train/run-folder";

import { assertSame } from "../engine/support";
import { experimentFolder, settings } from "./experiment-folder";

describe("an experiment", function () {
  this.timeout(120_000);
  const { at, warnings, openShared, open, contentOf, losses, interrupt } = experimentFolder();

  it("gives the same whichever method is called again, and leaves no tensor behind", async () => {
    const one = open();
    const { numTensors } = tf.memory();
    const fitted = await one.train();
    const result = await one.evaluate();
    const content = contentOf();
    assert.deepEqual(await one.evaluate(), result);
    assert.deepEqual(await losses(one), [], "a finished run takes no step");
    assert.deepEqual(await one.train(), fitted);
    await one.model();
    await one.data();
    assert.deepEqual(await one.evaluate(), result);
    await one.dispose();
    assert.deepEqual(await one.evaluate(), result);
    assert.deepEqual(await open().evaluate(), result, "from the folder alone");
    assert.deepEqual(contentOf(), content);
    assert.equal(tf.memory().numTensors, numTensors);
    assert.deepEqual(
      findRuns(at()).map(({ path }) => path),
      [at("run")],
    );
  });

  it("is the same object for the same settings, and its data stay open for cells that show them", async () => {
    const one = openShared(["train.epochs=1"]);
    const { dataset } = await one.data();
    await one.train();
    assert.equal(openShared(["train.epochs=1"]), one);
    assert.equal((await one.data()).dataset, dataset);
    await one.evaluate();
    await one.train({ ifExists: "restart" });
    assert.equal((await dataset.read([0])).length, 32 * 32 * 3);
    const { numTensors } = tf.memory();
    await one.model();
    const other = openShared(["train.epochs=2"]);
    assert.notEqual(other, one);
    await one.dispose();
    assert.equal(tf.memory().numTensors, numTensors, "what the object before held is released");
  });

  it("shows the settings that are not the usual ones and what everybody asks for, or all", () => {
    const one = open(["train.ema=0.9", "train.augmentation.zoom=1"]);
    const shown = one.settings();
    const value = (key: string) => shown.value[shown.setting.indexOf(key)];
    assert.equal(value("train.ema"), "0.9");
    assert.equal(value("model.name"), one.config.model.name);
    assert.equal(value("train.batchSize"), String(one.config.train.batchSize));
    assert.equal(value("train.optimizer.beta1"), undefined);
    const all = one.settings({ all: true });
    assert.ok(all.setting.includes("train.optimizer.beta1"));
    assert.ok(shown.setting.every((key) => all.setting.includes(key)));
    assert.ok(shown.setting.length < all.setting.length / 2, `${shown.setting}`);
  });

  it("begins with fresh weights when settings changed, to the bit", async () => {
    const first = open();
    await first.train();
    await first.evaluate();
    await first.model();
    const changed = open(["train.optimizer.learningRate=0.001"]);
    assert.deepEqual(changed.state().differences, ["train.optimizer.learningRate: 0.003 → 0.001"]);
    await assert.rejects(changed.train({ ifExists: "resume" }), /learningRate: 0.003 → 0.001/);
    const after = await losses(changed);
    assertSame(after, await losses(open(["train.optimizer.learningRate=0.001"], "other")));
    // A restart as well, on the object that has just trained.
    assertSame(await losses(changed, { ifExists: "restart" }), after);
  });

  it("says what to do when it is evaluated too early", async () => {
    await assert.rejects(open().evaluate(), /is not trained yet\n?.*train it/s);
    await interrupt(open(), 5);
    await assert.rejects(open().evaluate(), /is trained for 1 of 2 epochs/);
    await open().train();
    await assert.rejects(
      open(["train.epochs=3"]).evaluate(),
      /other settings \(train.epochs: 2 → 3/,
    );
  });

  it("says what became of the weights that it begins with", async () => {
    await open(["train.epochs=1"], "first").train();
    assert.deepEqual(warnings, []);
    await open([`model.weights=${at("first")}`], "second").train();
    assert.match(warnings.join("\n"), /weights of .*: \d+ parameters; the classifier is kept/);
  });

  it("changes nothing when another process is at work, or the data cannot be opened", async () => {
    await open().train();
    const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
    const owner = {
      host: hostname(),
      pid: child.pid,
      user: userInfo().username,
      started: "",
      token: "test",
    };
    writeFileSync(at("run", "lock"), JSON.stringify(owner));
    const before = contentOf();
    for (const ifExists of ["restart", "auto", "resume"] as const) {
      const other = open(ifExists === "resume" ? [] : ["train.epochs=3"]);
      await assert.rejects(
        other.train({ ifExists }),
        new RegExp(`process ${child.pid} is at work`),
      );
    }
    child.kill();
    rmSync(at("run", "lock"));
    await assert.rejects(open(["data.spec=nothing"]).train({ ifExists: "restart" }), /nothing/);
    assert.deepEqual(contentOf(), before);
  });

  it("does without a validation or a test split, and says so", async () => {
    const untested = open(["data.split=[0.8, 0.2, 0]"], "untested");
    await untested.train();
    assert.equal(untested.state().state, "finished");
    assert.deepEqual(await losses(untested), []);
    await assert.rejects(untested.evaluate(), /has no test split/);
    const metrics = JSON.parse(readFileSync(at("untested", "metrics.json"), "utf8"));
    assert.deepEqual([metrics.rows, metrics.accuracy], [0, undefined]);

    const unvalidated = open(["data.split=[0.8, 0, 0.2]"], "unvalidated");
    const { history } = await unvalidated.train();
    assert.deepEqual(Object.keys(history), ["epoch", "trainLoss", "trainAccuracy"]);
    assert.equal((await unvalidated.evaluate()).metrics.rows, 10);
  });

  it("is not spoiled by settings that were refused", async () => {
    await assert.rejects(open(["train.batchSize=100"]).train(), /batch 100/);
    await open().train({ ifExists: "resume" });
  });

  it("is finished only when all of its files stand, and names one that is damaged", async () => {
    const one = open();
    await one.train();
    const { predictions } = await one.evaluate();
    rmSync(at("run", "predictions.csv"));
    assert.equal(one.state().state, "interrupted");
    assert.deepEqual(await losses(one), [], "it is trained");
    assert.deepEqual((await one.evaluate()).predictions, predictions);

    writeFileSync(at("run", "metrics.json"), '{"rows": 10');
    await assert.rejects(one.evaluate(), /metrics\.json is damaged/);
    rmSync(at("run", "metrics.json"));
    await one.evaluate();
    const task = readFileSync(at("run", "task.json"));
    for (const text of ["[1, 2]", "null", '{"task": "classification"}']) {
      writeFileSync(at("run", "task.json"), text);
      await assert.rejects(open().evaluate(), /task\.json is damaged/);
    }
    writeFileSync(at("run", "task.json"), task);

    const history = readFileSync(at("run", "history.csv"), "utf8");
    for (const text of ["epoch,trainLoss\n", "\0\0", "epoch,trainLoss\n2,1\n"]) {
      writeFileSync(at("run", "history.csv"), text);
      await assert.rejects(open().evaluate(), /history\.csv is damaged\n.*delete it and train/);
    }
    rmSync(at("run", "history.csv"));
    assert.deepEqual(await losses(open()), [], "it is trained");
    await open().evaluate();
    assert.equal(readFileSync(at("run", "history.csv"), "utf8"), history);
    assert.equal(open().state().state, "finished");

    rmSync(at("run", "checkpoints"), { recursive: true });
    assert.deepEqual((await open().evaluate()).predictions, predictions);
    assert.equal((await open().train()).history.epoch.length, 2);
  });

  it("asks the model again, without training, when only the way of asking changed", async () => {
    const one = open();
    await one.train();
    const plain = await one.evaluate();
    const averaged = open(["predict.testTimeAugmentation=true"]);
    assert.deepEqual(await losses(averaged), []);
    const turned = await averaged.evaluate();
    assert.notDeepEqual(turned.predictions.probabilities, plain.predictions.probabilities);
    assert.deepEqual(await averaged.evaluate(), turned);
    assert.match(readFileSync(at("run", "config.yaml"), "utf8"), /testTimeAugmentation: true/);
  });

  it("comes from a file, one of several by name, with assignments last", async () => {
    const path = at("several.yaml");
    const several = {
      ...settings(at("images")),
      models: { small: { train: { epochs: 1 } }, large: { data: { size: 64 } } },
    };
    writeFileSync(path, stringify(several));
    const { config, run } = openExperiment(path, { name: "small", set: ["train.epochs=5"] });
    assert.equal(config.train.epochs, 5);
    assert.match(run.path, /several.small$/);
    assert.throws(() => openExperiment(path), /several models.*small, large/s);
    assert.throws(() => openExperiment(path, { name: "tiny" }), /no model "tiny".*small, large/s);
    const all = openExperiments(path);
    assert.deepEqual(Object.keys(all), ["small", "large"]);
    assert.deepEqual((await all.large.data()).dataset.imageSize, [64, 64]);
    assert.deepEqual((await all.small.data()).dataset.imageSize, [32, 32]);
    assert.ok(!existsSync(all.small.run.path));
    for (const experiment of Object.values(all)) await experiment.dispose();
    assert.throws(() => openExperiment(settings(at("images"))), /say where the run goes/);
  });
});
