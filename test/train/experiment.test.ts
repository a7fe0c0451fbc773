import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, userInfo } from "node:os";
import { join, relative } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { stringify } from "yaml";
import { startEngine } from "#lib/engine/start";
import { registerArchitecture } from "#lib/models/registry";
import { Experiment } from "#lib/train/experiment";
import { openExperiment, openExperiments } from "#lib/train/open-experiment";
import { findRuns, RunFolder } from "#lib/train/run-folder";
import { temporaryFolder, writeClasses } from "./support";
import { tinyNetwork } from "./tiny-network";

const settings = (spec: string) => ({
  data: { spec, size: 32 },
  model: { name: "tiny" },
  train: { epochs: 2, batchSize: 8, optimizer: { learningRate: 3e-3 } },
});

describe("an experiment", function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let images: string;
  let warnings: string[];
  const { warn } = console;
  let takeOut: () => void;
  before(() => {
    takeOut = registerArchitecture(tinyNetwork);
    return startEngine();
  });
  after(() => takeOut());
  beforeEach(async () => {
    folder = temporaryFolder();
    images = join(folder.path, "images");
    await writeClasses(images, { faint: 20, bright: 30 });
    warnings = [];
    console.warn = (text: string) => void warnings.push(text);
  });
  afterEach(() => {
    console.warn = warn;
    folder.remove();
  });

  const at = (...names: string[]) => join(folder.path, ...names);
  const openShared = (set: string[] = []) =>
    openExperiment(settings(images), { set, run: at("run") });
  /** One that knows nothing but the folder, as in another process. */
  const open = (set: string[] = [], run = "run") => {
    const { config } = openExperiment(settings(images), { set, run: at(run) });
    return new Experiment(config, new RunFolder(at(run)));
  };
  const contentOf = (run = "run") =>
    Object.fromEntries(
      readdirSync(at(run), { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(csv|json|yaml)$/.test(name))
        .sort()
        .map((name) => [name, readFileSync(at(run, name), "utf8")]),
    );
  /** Losses of the steps that training takes. */
  const losses = async (
    experiment: Experiment,
    options: Parameters<Experiment["train"]>[0] = {},
  ) => {
    const seen: number[] = [];
    await experiment.train({ ...options, onStep: ({ means }) => seen.push(means.loss) });
    return seen;
  };
  /** Stop a training after so many steps. */
  const interrupt = async (experiment: Experiment, steps: number) => {
    const stop = new AbortController();
    let left = steps;
    const onStep = () => --left === 0 && stop.abort(new Error("stopped by the test"));
    await assert.rejects(experiment.train({ signal: stop.signal, onStep }), /stopped by the test/);
  };

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
      findRuns(folder.path).map(({ path }) => path),
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

  it("begins with fresh weights when settings changed, to the bit", async () => {
    const first = open();
    await first.train();
    await first.evaluate();
    await first.model();
    const changed = open(["train.optimizer.learningRate=0.001"]);
    assert.deepEqual(changed.state().differences, ["train.optimizer.learningRate: 0.003 → 0.001"]);
    await assert.rejects(changed.train({ ifExists: "resume" }), /learningRate: 0.003 → 0.001/);
    const after = await losses(changed);
    assert.deepEqual(after, await losses(open(["train.optimizer.learningRate=0.001"], "other")));
    // A restart as well, on the object that has just trained.
    assert.deepEqual(await losses(changed, { ifExists: "restart" }), after);
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

  it("goes on with the split that it began with, and says which galaxies came since", async () => {
    const whole = open([], "whole");
    await whole.train();
    const { predictions } = await whole.evaluate();

    const stopped = open();
    await interrupt(stopped, 5);
    await stopped.dispose();
    await writeClasses(images, { faint: 23, bright: 30 });
    const resumed = open();
    await resumed.train();
    assert.deepEqual((await resumed.evaluate()).predictions, predictions);
    assert.match(warnings.join("\n"), /^3 galaxies \(.*faint-20.*\) came to .*not used; restart/);
    assert.deepEqual((await resumed.data()).dataset.size, 53);

    await resumed.train({ ifExists: "restart" });
    const { train, val, test } = await resumed.data();
    assert.equal(train.length + val.length + test.length, 53);
  });

  it("goes on with the same data however their path is written, and is then finished", async () => {
    const first = open();
    await interrupt(first, 5);
    await first.dispose();
    const link = at("link");
    symlinkSync(images, link);
    for (const spec of [`${images}/`, relative(process.cwd(), images), link]) {
      assert.equal(open([`data.spec=${spec}`]).state().state, "interrupted", spec);
    }
    const steps = await losses(open([`data.spec=${link}`]));
    assert.equal(steps.length, 3, "of eight, five were done");
    await open().evaluate();
    assert.equal(open([`data.spec=${link}`]).state().state, "finished");
    cpSync(images, at("copy"), { recursive: true });
    assert.equal(open([`data.spec=${at("copy")}`]).state().state, "changed");
  });

  it("refuses to go on without galaxies that it learned from", async () => {
    await interrupt(open(), 5);
    renameSync(join(images, "faint", "faint-3.png"), at("away.png"));
    const before = contentOf();
    await assert.rejects(open().train(), /1 galaxy \(.*faint-3.*\) of .*split.csv is no longer/);
    assert.deepEqual(contentOf(), before);
    renameSync(at("away.png"), join(images, "faint", "faint-3.png"));
    await open().train();
  });

  it("refuses other labels under the same names, and tells of other pictures", async () => {
    const table = at("catalog.csv");
    const write = (labelOf = (name: string) => name) => {
      const rows = ["faint", "bright"].flatMap((name) =>
        Array.from({ length: 20 }, (_, i) => {
          const id = `${name}-${i}`;
          return `${id},${join(images, name, `${id}.png`)},${labelOf(id).split("-")[0]}`;
        }),
      );
      writeFileSync(table, `id,path,label\n${rows.join("\n")}\n`);
    };
    const openTable = () => open([`data.spec=${table}`]);
    write();
    await interrupt(openTable(), 5);
    const before = contentOf();
    write((id) => (id === "faint-3" ? "bright" : id));
    await assert.rejects(openTable().train(), /1 galaxy \(faint-3\).* has another label/);
    assert.deepEqual(contentOf(), before);
    write();
    // Of forty rows every one is looked at.
    copyFileSync(join(images, "bright", "bright-2.png"), join(images, "faint", "faint-5.png"));
    await openTable().train();
    assert.match(warnings.join("\n"), /1 galaxy \(faint-5\).*of 40.*shows another picture/);
    warnings.length = 0;
    await openTable().train({ ifExists: "restart" });
    await openTable().data();
    assert.doesNotMatch(warnings.join("\n"), /other picture|another picture/);
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
      ...settings(images),
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
    assert.throws(() => openExperiment(settings(images)), /say where the run goes/);
  });
});
