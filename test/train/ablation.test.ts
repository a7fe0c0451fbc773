import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { ablationColumns } from "#lib/evaluate/ablation-table";
import { readPredictions } from "#lib/evaluate/predictions-file";
import { evaluate } from "#lib/evaluate/summary";
import { modelDefinition } from "#lib/models/registry";
import { type AblationStep, readAblation, runAblation } from "#lib/train/ablation";
import { loadAblation } from "#lib/train/ablation-config";
import { configNames, loadConfig } from "#lib/train/config-file";
import { openSplit } from "#lib/train/experiment-data";
import { temporaryFolder, writeClasses } from "./support";
import { knowTinyNetwork } from "./tiny-network";

const CLASSES = { faint: 18, bright: 30 };

const settings = (spec: string) => ({
  data: { spec, size: 32 },
  train: { epochs: 1, batchSize: 4, optimizer: { learningRate: 0.003 } },
  ablation: {
    seeds: [1, 2],
    models: { Small: { model: { name: "tiny" } } },
    regimes: { Unbalanced: "none", Balanced: "undersample" },
    rows: [
      { model: "Small", trainedOn: "Unbalanced", testedOn: "Unbalanced" },
      {
        model: "Small",
        trainedOn: "Balanced",
        testedOn: "Balanced",
        published: { accuracy: 0.59, logLoss: 1.13 },
      },
      { model: "Small", trainedOn: "Balanced", testedOn: "Unbalanced" },
    ],
  },
});

describe("ablation", () => {
  const folder = temporaryFolder();
  const spec = join(folder.path, "images");
  const config = join(folder.path, "ablation.yaml");
  const out = join(folder.path, "runs");
  knowTinyNetwork();
  before(() => writeClasses(spec, CLASSES));
  beforeEach(() => writeFileSync(config, stringify(settings(spec))));
  after(() => folder.remove());

  const run = async (set: string[] = []) => {
    const steps: AblationStep[] = [];
    const table = await runAblation(loadAblation(config, { set, spec }), out, {
      onTraining: (step) => steps.push(step),
    });
    return { table, states: steps.map(({ state }) => state), steps };
  };

  it("trains once what is only tested differently, then keeps, resumes and renews", async function () {
    this.timeout(120_000);
    const first = await run();
    assert.deepEqual(first.states, ["new", "new", "new", "new"]);
    assert.equal(first.table.rows.length, 3);
    assert.deepEqual(
      first.table.rows.map(({ repeats }) => repeats),
      [2, 2, 2],
    );

    const again = await run();
    assert.deepEqual(again.states, ["finished", "finished", "finished", "finished"]);
    assert.deepEqual(again.table, first.table);

    // The unbalanced row is the whole test split; the balanced one has as many of each class.
    const all = await readPredictions(join(out, "small-balanced-seed1", "predictions.csv"));
    const other = await readPredictions(join(out, "small-balanced-seed2", "predictions.csv"));
    const mean = (evaluate(all).accuracy + evaluate(other).accuracy) / 2;
    assert.equal(first.table.rows[2].metrics.accuracy.value, mean);
    const csv = readFileSync(join(out, "ablation.csv"), "utf8").split("\n");
    assert.match(csv[2], /^Small \(tiny\),Balanced,Balanced,2,.*,0\.59,1\.13,/);
    assert.match(readFileSync(join(out, "ablation.tex"), "utf8"), /\\pm/);

    const changed = await run(["ablation.seeds=[1]", "ablation.models.Small.train.epochs=2"]);
    assert.deepEqual(changed.states, ["changed", "changed"]);
    assert.deepEqual(changed.steps[0].differences, ["train.epochs: 1 → 2"]);
    const left = await readAblation(loadAblation(config, { spec }), out);
    assert.deepEqual(
      left.rows.map(({ repeats }) => repeats),
      [1, 1, 1],
    );
  });

  it("goes on with an interrupted training", async function () {
    this.timeout(120_000);
    const stop = new AbortController();
    const interrupted = join(folder.path, "interrupted");
    const trainings = loadAblation(config, { spec, set: ["ablation.seeds=[3]"] });
    await assert.rejects(
      runAblation(trainings, interrupted, {
        signal: stop.signal,
        onStep: () => stop.abort(new Error("enough")),
      }),
      /enough/,
    );
    const states: string[] = [];
    await runAblation(trainings, interrupted, { onTraining: ({ state }) => states.push(state) });
    assert.deepEqual(states, ["interrupted", "new"]);
  });

  it("says in the table why a training failed, and the others go on", async function () {
    this.timeout(120_000);
    const own = join(folder.path, "failing");
    const mixed = settings(spec);
    Object.assign(mixed.ablation, { seeds: [1] });
    Object.assign(mixed.ablation.models, { Broken: { model: { name: "no_such_network" } } });
    mixed.ablation.rows.unshift({ ...mixed.ablation.rows[0], model: "Broken" });
    writeFileSync(config, stringify(mixed));
    const told: string[] = [];
    const table = await runAblation(loadAblation(config, { spec }), own, {
      onFailure: (name) => told.push(name),
    });
    assert.deepEqual(told, ["broken-unbalanced-seed1"]);
    assert.equal(table.rows.length, 3);
    assert.match(table.failures?.[0].reason ?? "", /broken-unbalanced-seed1: .*no_such_network/);
    const { model, failed } = ablationColumns(table);
    assert.deepEqual(
      [model[3], String(failed[3])],
      ["Broken (no_such_network)", table.failures?.[0].reason],
    );
    assert.match(
      readFileSync(join(own, "ablation.csv"), "utf8"),
      /Broken \(no_such_network\),.*no_such_network/,
    );
  });

  it("refuses names that would share a folder, and a row that is there twice", () => {
    const alike = settings(spec);
    Object.assign(alike.ablation.models, { "S-mall": {}, "S mall": {} });
    alike.ablation.rows.push(alike.ablation.rows[0]);
    writeFileSync(config, stringify(alike));
    assert.throws(
      () => loadAblation(config, { spec }),
      /models\.S mall: would have the folder of "S-mall", s-mall/,
    );
    assert.throws(() => loadAblation(config, { spec }), /rows\.3: the same as row 0/);
  });

  it("takes as many of each class only where it says so", async () => {
    const [plain, , balanced] = loadAblation(config, { spec });
    const count = async ({ config }: typeof plain) => {
      const data = await openSplit(config);
      const labels = data.dataset.table.label;
      const of = (rows: Uint32Array) =>
        [0, 1].map((label) => rows.filter((row) => labels[row] === label).length);
      const counts = { train: of(data.train), val: of(data.val), test: of(data.test) };
      await data.dataset.close();
      return counts;
    };
    const [one, two] = [await count(plain), await count(balanced)];
    assert.deepEqual(one.test, two.test);
    assert.notEqual(one.train[0], one.train[1]);
    assert.equal(two.train[0], two.train[1]);
    assert.equal(two.train[0], Math.min(...one.train));
  });

  it("names a row's model that is not there, and a wrong key", () => {
    const bad = settings(spec);
    bad.ablation.rows[1].model = "Large";
    writeFileSync(config, stringify(bad));
    assert.throws(
      () => loadAblation(config, { spec }),
      /rows\.1\.model: "Large" is not there.*Small/,
    );
    writeFileSync(config, stringify(settings(spec)));
    assert.throws(
      () => loadAblation(config, { spec, set: ["ablation.models.Small.train.epoch=2"] }),
      /Small.*epoch/,
    );
  });

  it("are valid in every profile of the project's own files", () => {
    const configs = resolve(__dirname, "..", "..", "notebooks", "configs");
    const seeds = { quick: 14, paper: 42, test: 2 };
    for (const [profile, count] of Object.entries(seeds)) {
      const trainings = loadAblation(join(configs, "ablation.yaml"), { profile });
      assert.equal(trainings.length, count, profile);
      for (const file of ["train-and-evaluate.yaml", "gz2-efficient-vit.yaml"]) {
        const path = join(configs, file);
        for (const name of configNames(path, { profile })) {
          modelDefinition(loadConfig(path, { profile }, name).model.name);
        }
      }
      loadConfig(join(configs, "eda.yaml"), { profile });
    }
    const rows = loadAblation(join(configs, "ablation.yaml"), { profile: "quick" });
    assert.equal(rows.flatMap(({ rows }) => rows).length, 21);
  });

  it("has columns for people", () => {
    const metrics = ["accuracy", "logLoss", "macroF1"];
    assert.deepEqual(Object.keys(ablationColumns({ metrics, rows: [] })), [
      ...["model", "trained on", "tested on", "accuracy", "log loss", "macro F1"],
    ]);
  });
});
