import assert from "node:assert/strict";
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { openBoosted } from "#lib/boost/boosted-files";
import { boostedPredictor } from "#lib/boost/boosted-predictor";
import { trainBoosted } from "#lib/boost/boosted-run";
import { cachedFeatures } from "#lib/boost/feature-cache";
import { openDataset } from "#lib/data/open";
import type { VoteMetrics } from "#lib/evaluate/vote-metrics";
import type { VotePredictions } from "#lib/evaluate/vote-predictions";
import { runFigures } from "#lib/plots/run-figures";
import { ensemblePredictor } from "#lib/predict/ensemble-predictor";
import { taskFromDescription } from "#lib/tasks/registry";
import type { PredictionTable, Task } from "#lib/tasks/task";
import type { Experiment } from "#lib/train/experiment";
import { openTrainedModel } from "#lib/train/experiment-model";
import { openExperiment } from "#lib/train/open-experiment";
import { RunFolder } from "#lib/train/run-folder";
import { readAnswers } from "#lib/train/run-result";
import { tuningForkHere } from "../cli/support";
import { temporaryFolder, tinyDataset, writeClasses, writeVotes } from "../train/support";

const folder = temporaryFolder();
after(() => folder.remove());
const at = (...parts: string[]) => join(folder.path, ...parts);
const boost = { rounds: 8, patience: 3, threads: 2, params: { max_depth: 3 } };

async function network(name: string, data: { spec: string; tree?: string }): Promise<Experiment> {
  const experiment = openExperiment(
    {
      data: { ...data, split: [0.5, 0.25, 0.25] },
      model: { name: "test_custom_cnn" },
      train: { epochs: 1, batchSize: 8 },
    },
    { run: at(name) },
  );
  await experiment.train();
  await experiment.evaluate();
  return experiment;
}

describe("runs of boosted trees", function () {
  this.timeout(300_000);
  const said: string[] = [];
  const options = { onNotice: (sentence: string) => void said.push(sentence) };

  before(async () => {
    const votes = await network("network", await writeVotes(at("votes"), 64));
    await votes.dispose();
  });

  for (const library of ["xgboost", "lightgbm"]) {
    it(`of ${library} answer votes, as files say and as pictures do`, async () => {
      const settings = {
        library,
        backbone: at("network"),
        run: at(library),
        boost: { ...boost, params: library === "xgboost" ? boost.params : { min_data_in_leaf: 3 } },
      };
      const tensors = tf.memory().numTensors;
      const result = await trainBoosted<VotePredictions, VoteMetrics>(settings, options);
      assert.equal(result.predictions.ids.length, 16);
      assert.ok(result.metrics.mae < 1);
      const run = new RunFolder(at(library));
      assert.equal(run.status, "complete");
      const report = run.readTrainingComplete();
      assert.ok(report && report.peakMemory > 1e7 && report.epochs <= 8 && report.bestEpoch >= 1);
      const files = readdirSync(run.boostersPath);
      assert.equal(files.length, 4);
      // A finished run of the same settings is read.
      const before = statSync(join(run.boostersPath, files[0])).mtimeMs;
      await trainBoosted(settings, options);
      assert.equal(statSync(join(run.boostersPath, files[0])).mtimeMs, before);

      for (const path of [run.boostPath, run.taskPath]) {
        const text = readFileSync(path);
        writeFileSync(path, "[: {");
        await assert.rejects(openBoosted(run), /(boost\.yaml|task\.json) is damaged/);
        writeFileSync(path, text);
      }
      const { model, description, trees, task, experiment } = await openBoosted(run);
      const own = taskFromDescription(description.task ?? { task: "", loss: "", outputs: [] });
      const boosted = boostedPredictor(
        { backbone: model, backboneTask: own, trees, task: task as Task<VotePredictions> },
        experiment.predict,
      );
      const dataset = await openDataset(at("votes", "votes.csv"), {
        tree: experiment.data.tree,
        size: model.inputSize[0],
        interpolation: model.preprocessing.interpolation,
      });
      const both = ensemblePredictor([boosted, boosted]);
      for (const predictor of [boosted, both]) {
        const table = await predictor.predict(dataset);
        const rowOf = new Map(table.ids.map((id, row) => [id, row]));
        for (const [i, id] of result.predictions.ids.entries()) {
          for (let a = 0; a < 4; a++) {
            const [x, y] = [
              table.values[(rowOf.get(id) ?? -1) * 4 + a],
              result.predictions.values[i * 4 + a],
            ];
            assert.ok(Math.abs(x - y) < 1e-5, `${id}: ${x}, ${y}`);
          }
        }
      }
      boosted.dispose();
      trees.dispose();
      model.dispose();
      assert.equal(tf.memory().numTensors, tensors);
      const { predictions } = await readAnswers(run);
      const names = Object.keys(runFigures({ predictions, history: run.readHistory() }));
      assert.ok(names.includes("training-curves") && names.includes("answer-bars"), `${names}`);
    });
  }

  it("share the features of their network, and say whose they were", async () => {
    const path = at("network/features/features.npy");
    assert.ok(existsSync(path));
    assert.ok(!existsSync(`${path}.part`));
    const note = JSON.parse(readFileSync(`${path}.json`, "utf8"));
    writeFileSync(`${path}.json`, JSON.stringify({ ...note, weights: "others" }));
    said.length = 0;
    const settings = { library: "xgboost", backbone: at("network"), run: at("again"), boost };
    await trainBoosted(settings, options);
    const same = "for every galaxy that is learned from: its trees say that";
    assert.deepEqual(said, [
      `${path} holds features of another model: they are computed anew`,
      `bar_yes is 0.4 ${same}`,
      `bar_no is 0.6 ${same}`,
    ]);
    // A run of other settings is made anew, and said so; left alone where that is asked.
    said.length = 0;
    const other = { ...settings, boost: { ...boost, rounds: 4 } };
    await trainBoosted(other, { ...options, ifExists: "skip" });
    assert.deepEqual(said, []);
    await trainBoosted(other, options);
    assert.match(said.join(), /boost\.rounds: 8 → 4.*made anew/);
  });

  it("are asked, evaluated and drawn by the command", async () => {
    const out = at("by-command.csv");
    const votes = at("votes", "votes.csv");
    const { code, error } = await tuningForkHere(
      ...["predict", "--run", at("xgboost"), "--data", votes, "--split", "test", "--out", out],
    );
    assert.equal(code, 0, error);
    const kept = readFileSync(join(at("xgboost"), "predictions.csv"), "utf8");
    const ids = (text: string) =>
      text
        .split("\n")
        .map((line) => line.split(",")[0])
        .sort();
    assert.deepEqual(ids(readFileSync(out, "utf8")), ids(kept));
    const refused = await tuningForkHere(
      ...["attention", "--run", at("xgboost"), "--image", at("votes/0.png"), "--out", at("maps")],
    );
    assert.equal(refused.code, 1);
    assert.match(refused.error, /holds boosted trees, which look at no picture/);
    await assert.rejects(
      openTrainedModel(new RunFolder(at("xgboost"))),
      /boosted trees and no network/,
    );
  });

  it("refuse what cannot be", async () => {
    const settings = { library: "xgboost", backbone: at("network"), run: at("refused"), boost };
    const refused = (more: object, pattern: RegExp) =>
      assert.rejects(trainBoosted({ ...settings, ...more }, options), pattern);
    await refused({ backbone: at("nowhere") }, /nowhere has no trained network/);
    await refused({ library: "catboost" }, /no library of boosted trees "catboost"/);
    await refused({ boost: { round: 3 } }, /the settings of XGBoost.*no key "round"/);
    await refused({ run: at("network") }, /holds the run of a network/);
    const unlock = new RunFolder(at("refused")).lock();
    await refused({}, /another process|this process|is at work/);
    unlock();
    const best = at("network/checkpoints/best");
    const state = readFileSync(join(best, "state.json"), "utf8");
    const note = readFileSync(at("again/boost.yaml"), "utf8");
    writeFileSync(at("again/boost.yaml"), note.replace(/weights: .*/, "weights: other"));
    await assert.rejects(
      openBoosted(new RunFolder(at("again"))),
      /has other weights than the trees/,
    );
    rmSync(join(best, "state.json"));
    await assert.rejects(openBoosted(new RunFolder(at("again"))), /network .* is not there/);
    writeFileSync(join(best, "state.json"), state);
  });

  it("answer classes, too", async () => {
    await writeClasses(at("classes"), { dark: 24, light: 24 });
    const experiment = await network("classifier", { spec: at("classes") });
    await experiment.dispose();
    const settings = {
      library: "lightgbm",
      backbone: at("classifier"),
      run: at("classes-boosted"),
    };
    const { metrics } = await trainBoosted<PredictionTable, { accuracy: number }>(
      { ...settings, boost: { rounds: 20, loss: "crossEntropy", params: { min_data_in_leaf: 2 } } },
      options,
    );
    assert.ok(metrics.accuracy > 0.9, `${metrics.accuracy}`);
  });
});

describe("features kept in a file", () => {
  it("are gone on with after a kill, and made anew where they are damaged", async () => {
    const dataset = tinyDataset(1200, 4);
    const asked: number[] = [];
    const predictor = (fail = Number.POSITIVE_INFINITY) => ({
      async features(_: unknown, rows: ArrayLike<number> = []) {
        if (asked.length === fail) throw new Error("killed");
        asked.push(rows.length);
        const values = Float32Array.from({ length: rows.length * 3 }, (_, i) => {
          return rows[Math.floor(i / 3)] + (i % 3) / 4;
        });
        return { ids: [], values, width: 3 };
      },
    });
    const rows = Array.from({ length: 1200 }, (_, i) => 1199 - i);
    const path = at("kept.npy");
    const notices: string[] = [];
    const ask = (fail?: number) =>
      cachedFeatures(predictor(fail), dataset, rows, {
        path,
        weights: "w",
        onNotice: (text) => notices.push(text),
      });
    await assert.rejects(ask(2), /killed/);
    // What was written after the last note does not count.
    writeFileSync(`${path}.part`, Buffer.alloc(100), { flag: "a" });
    asked.length = 0;
    (await ask()).close();
    assert.deepEqual(asked, [176]);
    assert.deepEqual(notices, ["1024 of 1200 galaxies have their features already"]);
    const bytes = readFileSync(path);
    const values = new Float32Array(bytes.buffer, bytes.byteOffset + 128, 3600);
    assert.deepEqual([values[0], values[1], values[3599]], [1199, 1199.25, 0.5]);
    asked.length = 0;
    (await ask()).close();
    assert.deepEqual(asked, []);
    truncateSync(path, 5000);
    await assert.rejects(ask(), /has 5000 bytes, and 1200 × 3 float32 values need/);
  });
});
