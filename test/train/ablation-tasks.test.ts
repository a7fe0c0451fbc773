import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { ablationColumns } from "#lib/evaluate/ablation-table";
import { quickVoteMetrics } from "#lib/evaluate/vote-metrics";
import type { VotePredictions } from "#lib/evaluate/vote-predictions";
import { ablate } from "#lib/notebook/ablate";
import { ablationHeatMap } from "#lib/plots/ablation-heat-map";
import { registerTask } from "#lib/tasks/registry";
import { readAblation, runAblation } from "#lib/train/ablation";
import { loadAblation } from "#lib/train/ablation-config";
import type { Tree } from "#lib/train/merge-settings";
import { RunFolder } from "#lib/train/run-folder";
import { readAnswers } from "#lib/train/run-result";
import { tuningForkHere } from "../cli/support";
import { fractions } from "../tasks/outside-task";
import { temporaryFolder, writeVotes } from "./support";
import { knowTinyNetwork } from "./tiny-network";

describe("an ablation of other tasks than classification", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const out = (name: string) => join(folder.path, name);
  let data: { spec: string; tree: string };
  knowTinyNetwork();
  before(async () => {
    data = await writeVotes(out("votes"), 44);
  });
  after(() => folder.remove());

  const combination = { model: "Small", trainedOn: "All", testedOn: "All" };
  const trainings = (task: string, rows: Tree[], seeds = [1]) => {
    const path = out(`${task}.yaml`);
    const settings = {
      ...{ task, data: { ...data, size: 32, split: [0.5, 0.25, 0.25] } },
      train: { epochs: 1, batchSize: 4, optimizer: { learningRate: 0.003 } },
      ablation: {
        seeds,
        models: { Small: { model: { name: "tiny" } } },
        regimes: { All: "none", Alike: "undersample" },
        rows: rows.map((row) => ({ ...combination, ...row })),
      },
    };
    writeFileSync(path, stringify(settings));
    return loadAblation(path);
  };
  /** What the heat map writes above its columns. */
  const titles = (table: Awaited<ReturnType<typeof readAblation>>) =>
    (ablationHeatMap(table).layout.xaxis as { ticktext: string[] }).ticktext;

  it("runs votes, with the metrics of votes, each question, and published values", async () => {
    const published = { mae: 0.12, rmse: 0.2 };
    const all = trainings("votes", [{ published }, { testedOn: "Alike" }], [1, 2]);
    const table = await runAblation(all, out("runs"));
    assert.equal(table.failures, undefined);
    assert.deepEqual(table.metrics, ["correlation", "mae", "relativeMae", "rmse"]);
    assert.deepEqual(table.breakdown?.names, ["shape", "bar"]);

    // Means over the two seeds of what their tables say.
    const folders = [1, 2].map((seed) => new RunFolder(join(out("runs"), `small-all-seed${seed}`)));
    const answers = await Promise.all(folders.map(readAnswers));
    const tables = answers.map(({ predictions }) => predictions as VotePredictions);
    const maes = tables.map((one) => quickVoteMetrics(one).mae);
    assert.ok(Math.abs(table.rows[0].metrics.mae.value - (maes[0] + maes[1]) / 2) < 1e-12);
    const shape = tables.map(({ values, truth, ids }) => {
      const right = ids.filter((_, i) => values[4 * i] > 0.5 === truth[4 * i] >= 0.5);
      return right.length / ids.length;
    });
    assert.ok(Math.abs(table.rows[0].scores[0] - (shape[0] + shape[1]) / 2) < 1e-12);

    const lines = readFileSync(join(out("runs"), "ablation.csv"), "utf8").split("\n");
    assert.match(lines[0], /,mae,mae_low,mae_high,.*,published_mae,published_rmse,accuracy_shape,/);
    assert.match(lines[1], /^Small \(tiny\),All,All,2,.*,0\.12,0\.2,/);
    assert.match(readFileSync(join(out("runs"), "ablation.tex"), "utf8"), /& Correlation & MAE & /);
    assert.ok("published MAE" in ablationColumns(table));
    assert.deepEqual(titles(table), ["shape", "bar"]);
    assert.deepEqual(await readAblation(all, out("runs")), table);

    // Weights can be thrown away: the folder says what was asked.
    for (const { path } of folders) rmSync(join(path, "checkpoints"), { recursive: true });
    assert.deepEqual(await readAblation(all, out("runs")), table);
    rmSync(folders[1].predictionsPath);
    assert.equal(
      (await readAblation(all, out("runs"))).rows[0].repeats,
      1,
      "one is unfinished now",
    );
    writeFileSync(folders[1].predictionsPath, answers[1].task.formatTable(answers[1].predictions));

    // A cell and the command find everything finished, and show the same.
    const log = console.error;
    console.error = () => {};
    const shown = await ablate(out("votes.yaml"), { out: out("runs") });
    console.error = log;
    assert.deepEqual(shown, table);
    const asked = ["ablation", "--config", out("votes.yaml"), "--out", out("runs"), "--json"];
    const command = await tuningForkHere(...asked);
    assert.equal(command.code, 0, command.error);
    assert.deepEqual(JSON.parse(command.out), JSON.parse(JSON.stringify(table)));
  });

  it("goes on with what was interrupted", async () => {
    const [first] = trainings("votes", [{}]);
    const stop = new AbortController();
    const onStep = () => stop.abort(new Error("enough"));
    const go = runAblation([first], out("stopped"), { signal: stop.signal, onStep });
    await assert.rejects(go, /enough/);
    const states: string[] = [];
    const onTraining = ({ state }: { state: string }) => states.push(state);
    const table = await runAblation([first], out("stopped"), { onTraining });
    await runAblation([first], out("stopped"), { onTraining });
    assert.deepEqual(states, ["interrupted", "finished"]);
    assert.equal(table.rows[0].repeats, 1);
  });

  it("runs a task from outside, and refuses what that cannot do before anything is trained", async () => {
    const unregister = registerTask(fractions);
    try {
      const all = trainings("fractions", [{}, { testedOn: "Alike", trainedOn: "Alike" }]);
      const table = await runAblation(all, out("outside"));
      assert.deepEqual(table.metrics, ["meanAbsoluteError"]);
      assert.equal(table.breakdown, undefined);
      assert.equal(table.rows.length, 1);
      assert.deepEqual(titles(table), ["Mean absolute error"]);
      assert.match(
        table.failures?.[0].reason ?? "",
        /"Alike" is balanced.*fractions cannot balance/,
      );
      assert.ok(!existsSync(join(out("outside"), "small-alike-seed1", "history.csv")));
    } finally {
      unregister();
    }
  });

  it("refuses a published metric that the task does not have, before anything is trained", async () => {
    const [run] = trainings("votes", [{ published: { accuracy: 0.5 } }]);
    const table = await runAblation([run], out("unknown"));
    assert.match(table.failures?.[0].reason ?? "", /published\.accuracy: the task votes has no/);
    assert.ok(!existsSync(join(out("unknown"), run.name, "history.csv")));
  });

  it("says in the table that there is no test split", async () => {
    const [run] = trainings("votes", [{}]);
    const untested = { ...run, config: { ...run.config } };
    untested.config.data = { ...run.config.data, split: [0.7, 0.3, 0] };
    const table = await runAblation([untested], out("untested"));
    assert.match(table.failures?.[0].reason ?? "", /has no test split/);
  });
});
