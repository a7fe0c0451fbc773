import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadBoost } from "#lib/boost/boost-settings";
import { comparisonTable } from "#lib/evaluate/model-table";
import { askIfExists } from "#lib/notebook/ask-if-exists";
import { ModelStudy } from "#lib/notebook/model-study";
import { studyFigures, writeStudyTables } from "#lib/notebook/study-files";
import { configNames, loadConfig } from "#lib/train/config-file";
import { openExperiment } from "#lib/train/open-experiment";
import { temporaryFolder, writeVotes } from "../train/support";

const CONFIG = join(__dirname, "..", "..", "notebooks", "configs", "eighteen-models.yaml");

describe("a study of many models", function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  after(() => folder.remove());
  const at = (...parts: string[]) => join(folder.path, ...parts);

  it("keeps the row of what fails, and goes on with the rest", async () => {
    const votes = await writeVotes(at("votes"), 64);
    const open = (name: string, model: object) =>
      openExperiment(
        {
          data: { ...votes, split: [0.5, 0.25, 0.25] },
          model: { name: "test_custom_cnn", ...model },
          train: { epochs: 1, batchSize: 8, log: { tensorboard: false } },
        },
        { run: at(name) },
      );
    const study = new ModelStudy(folder.path);
    const networks = { one: open("one", {}), two: open("two", { dropout: 0.3 }) };
    for (const [name, experiment] of Object.entries(networks)) {
      assert.ok(await study.train(name, experiment));
      assert.ok(existsSync(at(name, "figures", "training-curves.png")));
      const result = await study.evaluate(name);
      assert.equal(result?.predictions.ids.length, 16);
    }
    const broken = open("broken", { weights: at("nothing.safetensors") });
    assert.equal(await study.train("broken", broken), undefined);
    assert.equal(await study.evaluate("broken"), undefined);
    await assert.rejects(study.evaluate("unheard"), /no network "unheard"/);

    const weights = await study.ensemble("mean", "inverse-mae");
    const [[one], [two]] = Object.values(weights ?? {});
    assert.ok(Math.abs(one + two - 1) < 1e-12);
    const stacked = await study.ensemble("stacked", "stacking");
    assert.deepEqual(Object.keys(stacked ?? {}), ["shape", "bar"]);
    const kept = JSON.parse(readFileSync(at("stacked", "weights.json"), "utf8"));
    assert.deepEqual(kept.members, ["one", "two"]);
    // Weights are found without a look at the test galaxies.
    const validation = readFileSync(at("one", "validation.csv"), "utf8").trim().split("\n");
    assert.equal(validation.length, 17);

    const boost = { rounds: 3, params: { min_data_in_leaf: 3 } };
    assert.ok(await study.boost("trees on one", "lightgbm", "one", boost));
    assert.equal(await study.boost("on broken", "lightgbm", "broken", boost), undefined);
    const wrong = { ...boost, params: { min_data_in_leave: 3 } };
    assert.equal(await study.boost("misspelled", "lightgbm", "one", wrong), undefined);

    const table = comparisonTable(study.results);
    assert.deepEqual([...table.model].sort(), [
      ...["broken", "mean", "misspelled", "on broken", "one", "stacked", "trees on one", "two"],
    ]);
    const reasons = new Map([...table.model].map((name, i) => [name, String(table.failed[i])]));
    assert.match(reasons.get("broken") ?? "", /nothing\.safetensors/);
    assert.match(reasons.get("on broken") ?? "", /^broken has no features: .*nothing/);
    assert.match(reasons.get("misspelled") ?? "", /no parameter "min_data_in_leave"/);
    assert.deepEqual(study.networkNames, ["one", "two", "broken"]);
    assert.ok(existsSync(at("trees-on-one", "boosters")));
    assert.deepEqual(Object.keys(studyFigures(study.results)), [
      ...["ranking", "error-against-time", "questions", "dl-vs-gb"],
    ]);
    const timed = studyFigures(study.results)["error-against-time"].data as {
      text: string[];
      x: number[];
    }[];
    const [own, withTrees] = ["one", "trees on one"].map((name) => {
      const kind = timed.find(({ text }) => text.includes(name)) ?? assert.fail(name);
      return kind.x[kind.text.indexOf(name)];
    });
    assert.ok(withTrees > own, "trees need their network");
    assert.equal(writeStudyTables(at("comparison"), study.results).length, 6);
    assert.deepEqual(studyFigures([]), {});
  });

  it("asks nobody who is not there", async () => {
    const run = { run: openExperimentAt(at("one")) };
    const absent = { run: openExperimentAt(at("never")) };
    assert.equal(await askIfExists(run, "ask"), "auto");
    assert.equal(await askIfExists(run, "skip"), "skip");
    assert.equal(await askIfExists(absent, "skip"), "auto");
    assert.equal(await askIfExists(absent, "restart"), "restart");
  });

  it("has its settings for every profile", () => {
    for (const profile of ["quick", "paper", "test"]) {
      const names = configNames(CONFIG, { profile });
      assert.equal(names.length, 5);
      for (const name of names) {
        const { train, data } = loadConfig(CONFIG, { profile }, name);
        assert.equal(train.seed, 42);
        if (profile !== "paper") continue;
        const { batchSize, epochs, earlyStopping, optimizer } = train;
        assert.deepEqual([batchSize, epochs, earlyStopping.patience], [32, 250, 12]);
        assert.equal(optimizer.learningRate, 3e-4);
        assert.equal(data.tree, "gz2-main");
      }
      for (const library of ["xgboost", "lightgbm"]) loadBoost(CONFIG, library, { profile });
    }
    assert.equal(loadBoost(CONFIG, "xgboost", { set: ["boost.xgboost.rounds=7"] }).rounds, 7);
    assert.throws(
      () => loadBoost(CONFIG, "catboost"),
      /no key boost\.catboost.*xgboost, lightgbm/s,
    );
  });
});

function openExperimentAt(path: string) {
  return openExperiment({ data: { spec: "x" }, model: { name: "resnet18" } }, { run: path }).run;
}
