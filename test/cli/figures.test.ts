import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { verb } from "#lib/cli/figures-verb";
import { RunFolder } from "#lib/train/run-folder";
import { temporaryFolder } from "../train/support";

describe("tuning-fork figures", () => {
  const folder = temporaryFolder();
  const { log, warn } = console;
  const run = new RunFolder(join(folder.path, "run"));
  const said: string[] = [];

  before(() => {
    console.log = () => {};
    console.warn = (text: string) => said.push(text);
    mkdirSync(run.latestPath, { recursive: true });
    writeFileSync(join(run.latestPath, "state.json"), "{}");
    run.writeConfig({});
    run.writeTask({ task: "classification", loss: "crossEntropy", outputs: ["a", "b"] });
    run.writeMetrics({ rows: 2, seconds: 1, bestEpoch: 1, stoppedEarly: false, parameters: 1 });
    writeFileSync(run.splitPath, "id,split\n");
    const rows = ["g1,a,a,0.75,0.25", "g2,b,a,0.5,0.5"];
    writeFileSync(run.predictionsPath, `id,label,predicted,p_a,p_b\n${rows.join("\n")}\n`);
  });
  beforeEach(() => {
    said.length = 0;
    run.writeHistory({ epoch: [1, 2], trainLoss: [2, 1] });
  });
  after(() => {
    Object.assign(console, { log, warn });
    folder.remove();
  });

  const draw = async () => {
    const out = join(folder.path, "figures");
    rmSync(out, { recursive: true, force: true });
    await verb.run("figures", ["--run", run.path, "--out", out, "--format", "html"]);
    return readdirSync(out).map((name) => name.replace(".html", ""));
  };

  it("draws a run's figures from its folder", async () => {
    const drawn = await draw();
    assert.ok(drawn.includes("training-curves") && drawn.includes("confusion-matrix"));
    assert.deepEqual(said, []);
  });

  it("draws the others, and says so, where the history is damaged or gone", async () => {
    const all = await draw();
    const spoil = {
      "is damaged": () => writeFileSync(run.historyPath, "epoch,trainLoss\n1"),
      "is not there": () => rmSync(run.historyPath),
    };
    for (const [what, act] of Object.entries(spoil)) {
      said.length = 0;
      act();
      const others = all.filter((name) => name !== "training-curves");
      assert.deepEqual(await draw(), others);
      assert.match(
        said.join(),
        new RegExp(`No training curves.*history\\.csv ${what}\\n.*train again`),
      );
    }
  });

  it("refuses a damaged history where there is nothing else to draw", async () => {
    const untested = new RunFolder(join(folder.path, "untested"));
    untested.writeConfig({});
    untested.writeTask({ task: "classification", loss: "crossEntropy", outputs: ["a", "b"] });
    untested.writeMetrics({
      rows: 0,
      seconds: 1,
      bestEpoch: 1,
      stoppedEarly: false,
      parameters: 1,
    });
    writeFileSync(untested.splitPath, "");
    writeFileSync(untested.historyPath, "?");
    const out = join(folder.path, "nothing");
    await assert.rejects(
      async () => verb.run("figures", ["--run", untested.path, "--out", out]),
      /history\.csv is damaged/,
    );
  });
});
