import { strict as assert } from "node:assert";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInKernel } from "./support";

describe("training in a cell", function () {
  this.timeout(8 * 60_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "training-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("stops at an interrupt, takes no further step, and goes on when run again", async () => {
    const train = "const fitted = await train(experiment);";
    const [setUp, interrupted, between, resumed, end] = await runInKernel([
      'import { openExperiment, train } from "tuning-fork";\n' +
        "const { existsSync, readFileSync } = require('fs');\n" +
        'const set = ["data.spec=synthetic", "data.fraction=0.1", "train.epochs=4", "train.batchSize=32"];\n' +
        `const experiment = openExperiment("configs/quickstart.yaml", { set, run: ${JSON.stringify(folder)} });\n` +
        "const { run } = experiment;\n" +
        "const epochs = () => existsSync(run.historyPath)\n" +
        '  ? readFileSync(run.historyPath, "utf8").trim().split("\\n").slice(1)\n' +
        '    .map((line: string) => Number(line.split(",")[0])) : [];\n' +
        "const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));",
      {
        code:
          "const watch = setInterval(() => {\n" +
          '  if (epochs().length > 0) { console.log("one epoch"); clearInterval(watch); }\n' +
          `}, 20);\n${train}`,
        interruptAfter: "one epoch",
      },
      "const spent = process.cpuUsage(); const seen = epochs(); await pause(1500);\n" +
        "const { user, system } = process.cpuUsage(spent);\n" +
        "console.log(JSON.stringify({\n" +
        "  seen, later: epochs(), cpuMs: (user + system) / 1000, checkpoint: existsSync(run.latestPath) }));",
      train,
      "console.log(JSON.stringify(epochs()));",
    ]);
    assert.equal(setUp.status, "ok", setUp.stderr);
    assert.equal(interrupted.status, "error");
    assert.match(String(interrupted.error?.evalue), /^interrupted/);
    const facts = JSON.parse(between.stdout);
    assert.ok(facts.seen.length < 4, "the interrupt came too late to tell");
    assert.deepEqual(facts.later, facts.seen);
    assert.ok(facts.checkpoint);
    assert.ok(facts.cpuMs < 750, `the kernel computed for ${facts.cpuMs} ms of 1500`);
    assert.equal(resumed.status, "ok", resumed.stderr);
    assert.deepEqual(JSON.parse(end.stdout), [1, 2, 3, 4]);
  });

  it("that is told to end with its kernel keeps a checkpoint", async () => {
    const run = join(folder, "terminated");
    const [setUp, dead] = await runInKernel([
      'import { openExperiment, train } from "tuning-fork";\n' +
        'const set = ["data.spec=synthetic", "data.fraction=0.1", "train.epochs=400", "train.batchSize=32"];\n' +
        `const run = ${JSON.stringify(run)};\n` +
        'const experiment = openExperiment("configs/quickstart.yaml", { set, run });',
      {
        code:
          'const { existsSync } = require("fs");\n' +
          "setInterval(() => { if (existsSync(experiment.run.historyPath)) console.log('begun'); }, 20);\n" +
          "await train(experiment);",
        terminateAfter: "begun",
      },
    ]);
    assert.equal(setUp.status, "ok", setUp.stderr);
    assert.notEqual(dead.status, "ok");
    const saved = readdirSync(join(run, "checkpoints", "latest"));
    assert.ok(saved.length > 0);
    const log = readdirSync(run, { recursive: true, encoding: "utf8" });
    assert.ok(!log.some((name) => name.endsWith(".lock")), log.join(", "));
  });
});
