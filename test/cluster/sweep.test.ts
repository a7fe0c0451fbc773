import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { createPlan } from "#lib/cluster/plan";
import { PlanFolder } from "#lib/cluster/plan-folder";
import { planKinds, runners } from "#lib/cluster/registry";
import { submitPlan } from "#lib/cluster/submit-plan";
import { loadSweep } from "#lib/cluster/sweep-config";
import { readSweep, sweepPlan } from "#lib/cluster/sweep-plan";
import { parameterImportance, type SweepTable, sweepColumns } from "#lib/evaluate/sweep-table";
import { RunFolder } from "#lib/train/run-folder";
import { temporaryFolder } from "../train/support";

const rate = { min: 1e-4, max: 1e-1, scale: "log" };

describe("sweeps", () => {
  const folder = temporaryFolder();
  const file = join(folder.path, "sweep.yaml");
  after(() => folder.remove());
  const write = (sweep: unknown, train = {}) => {
    const common = { data: { spec: "synthetic" }, model: { name: "test_custom_cnn" }, train };
    writeFileSync(file, stringify({ ...common, sweep }));
    return file;
  };

  it("of a grid are every combination", () => {
    const parameters = {
      "train.optimizer.learningRate": { ...rate, points: 4 },
      "train.batchSize": [8, 16],
    };
    const { first, parameters: known } = loadSweep(write({ name: "grid", parameters }));
    assert.equal(first.length, 8);
    assert.deepEqual(
      first.slice(0, 2).map(({ values }) => values),
      [
        [1e-4, 8],
        [1e-4, 16],
      ],
    );
    assert.deepEqual([...new Set(first.map(({ values }) => values[0]))], [1e-4, 1e-3, 1e-2, 1e-1]);
    assert.equal(first[7].config.train.batchSize, 16);
    assert.deepEqual(
      known.map(({ scale }) => scale),
      ["log", "list"],
    );
  });

  it("at random are the same each time, within their intervals; another parameter changes none", () => {
    const one = { "train.optimizer.learningRate": rate };
    const two = { ...one, "train.epochs": { min: 2, max: 5, integer: true } };
    const drawn = (parameters: object) =>
      loadSweep(write({ name: "random", trials: 30, parameters })).first;
    const [first, again] = [drawn(one), drawn(two)];
    assert.deepEqual(
      first.map(({ values }) => values[0]),
      again.map(({ values }) => values[0]),
    );
    const rates = first.map(({ values }) => Number(values[0]));
    assert.ok(rates.every((value) => value >= 1e-4 && value <= 1e-1));
    assert.ok(rates.filter((value) => value < 1e-3).length > 5, "as many in each power of ten");
    assert.deepEqual(
      [...new Set(again.map(({ config }) => config.train.epochs))].sort(),
      [2, 3, 4, 5],
    );
  });

  it("name the key that is wrong", () => {
    const refused = (sweep: unknown, message: RegExp) =>
      assert.throws(() => loadSweep(write(sweep)), message);
    const parameters = { "train.batchSize": [8, 16] };
    refused({ name: "grid", parameters, trials: 5 }, /"trials" is a key of random, halving/);
    refused({ name: "grid", parameters: {} }, /parameters: expected a key of the settings/);
    refused({ name: "grid", parameters: { "train.epochs": rate } }, /a grid needs points/);
    const points = { "train.epochs": { ...rate, points: 3 } };
    refused({ name: "random", trials: 3, parameters: points }, /points has no effect on random/);
    const wrong = { "train.epochs": { min: 5, max: 2 } };
    refused({ name: "random", trials: 3, parameters: wrong }, /5 is not below max, 2/);
    const unknown = { "train.learningRat": [1, 2] };
    refused({ name: "random", trials: 3, parameters: unknown }, /there is no key "learningRat"/);
    const rounds = { name: "halving", trials: 4, parameters };
    refused({ ...rounds, epochs: [4, 2] }, /expected rising numbers/);
    refused({ ...rounds, epochs: [2, 4], keep: 1 }, /keep/);
  });

  it("by halving go on with the best, which are known again by the same results", async () => {
    const parameters = { "train.optimizer.learningRate": rate };
    write({ name: "halving", trials: 9, epochs: [1, 3, 9], parameters });
    const plan = new PlanFolder(join(folder.path, "plan"));
    // In the place of training: what is wrong is the learning rate, and one trial fails.
    const script = join(folder.path, "unit.cjs");
    const dist = join(__dirname, "..", "..", "lib", "dist");
    writeFileSync(
      script,
      `const { PlanFolder } = require(${JSON.stringify(join(dist, "cluster", "plan-folder.js"))});
      const { RunFolder } = require(${JSON.stringify(join(dist, "train", "run-folder.js"))});
      const { readFileSync } = require("node:fs");
      const [, , path, name] = process.argv;
      const plan = new PlanFolder(path);
      const unit = plan.read().units.find((one) => one.name === name);
      const rate = Number(/learningRate: ([\\d.e-]+)/.exec(readFileSync(unit.args[2], "utf8"))[1]);
      if (name.startsWith("trial-3-")) process.exit(1);
      const run = new RunFolder(unit.args[4]);
      run.writeHistory({ epoch: [1, 2], valLoss: [9, rate], valAccuracy: [0, 1 - rate] });
      run.writeTask({ task: "classification", loss: "crossEntropy", outputs: ["a", "b"] });
      run.writeMetrics({ rows: 0, seconds: 5, bestEpoch: 2, stoppedEarly: false, parameters: 1 });
      plan.writeDone(unit, { host: "here", seconds: 1, peakMemory: 1 });`,
    );
    const submit = async () => {
      const started: string[] = [];
      const failed = await submitPlan(plan, await runners.local.open({ atOnce: 3 }), {
        make: () => sweepPlan(file, plan.path),
        command: [process.execPath, script],
        retries: 0,
        pollSeconds: 0.02,
        onEvent: ({ unit, what }) => what === "started" && started.push(unit),
      });
      return { started, failed };
    };
    const first = await submit();
    assert.deepEqual(first.failed, ["trial-3-epochs-1"]);
    assert.deepEqual(
      [1, 3, 9].map((n) => first.started.filter((name) => name.endsWith(`-epochs-${n}`)).length),
      [9, 3, 1],
    );
    const table = readSweep(plan, plan.read());
    assert.equal(table.metric, "valAccuracy");
    assert.equal(table.better, "max");
    const good = table.trials.filter(({ score, epochs }) => epochs === 1 && !Number.isNaN(score));
    const most = good.reduce((best, one) => (one.score > best.score ? one : best));
    const columns = sweepColumns(table);
    assert.equal(columns.trial[0], most.name.replace("epochs-1", "epochs-9"));
    assert.equal(Number.isNaN(columns.valAccuracy[columns.valAccuracy.length - 1]), true);
    const again = await submit();
    assert.deepEqual(again.started, ["trial-3-epochs-1"]);
    const { says, figures } = await planKinds.sweep.collect(plan, plan.read());
    assert.match(says, /^13 trials, the best trial-\d-epochs-9 with valAccuracy/);
    assert.deepEqual(Object.keys(figures ?? {}), ["parallel-coordinates", "parameter-importance"]);
  });

  it("by the task's own score need validation galaxies", () => {
    write({ name: "grid", parameters: { "train.batchSize": [8] } });
    const plan = new PlanFolder(join(folder.path, "unseen"));
    plan.write(createPlan(sweepPlan(file, plan.path)));
    const [unit] = plan.read().units;
    assert.throws(() => readSweep(plan, plan.read()), /no trial is finished yet/);
    mkdirSync(join(plan.path, unit.name), { recursive: true });
    const run = new RunFolder(join(plan.path, unit.name));
    run.writeHistory({ epoch: [1], trainLoss: [1] });
    run.writeTask({ task: "classification", loss: "crossEntropy", outputs: ["a", "b"] });
    run.writeMetrics({ rows: 0, seconds: 5, bestEpoch: 1, stoppedEarly: false, parameters: 1 });
    plan.writeDone(unit, { host: "here", seconds: 1, peakMemory: 1 });
    assert.throws(() => readSweep(plan, plan.read()), /give the validation split a share/);
  });

  it("say what each parameter explains as an analysis of variance does", () => {
    const groups = { a: [2, 3.1, 2.5, 4.2], b: [5, 6.1, 5.5], c: [1, 2.2, 1.4, 0.7, 1.9] };
    const trials = Object.entries(groups).flatMap(([name, scores]) =>
      scores.map((score) => ({ name: "", values: [name, 1], epochs: 1, score, seconds: 1 })),
    );
    const table: SweepTable = {
      parameters: [
        { name: "x", scale: "list" },
        { name: "y", scale: "linear" },
      ],
      metric: "valLoss",
      better: "min",
      trials: [...trials, { ...trials[0], epochs: 2, score: 100 }],
    };
    const [share, constant] = parameterImportance(table);
    // By F of the groups: 2 (F − 1) / (2 F + 9).
    assert.ok(Math.abs(share - EPSILON) < 1e-9, `${share}`);
    assert.ok(Number.isNaN(constant));
  });
});

/** Of SciPy's f_oneway of the groups, F = 29.2795, by Kelley's formula. */
const EPSILON = 0.8371794085790776;
