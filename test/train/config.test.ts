import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { modelDefinition } from "#lib/models/registry";
import { type ExperimentSettings, experimentSchema, parseConfig } from "#lib/train/config";
import { configDifferences } from "#lib/train/config-columns";
import { loadConfig } from "#lib/train/config-file";
import { mergeSettings, type Tree, withAssignments } from "#lib/train/merge-settings";
import { presets } from "#lib/train/presets";
import { temporaryFolder } from "./support";

const minimal = { data: { spec: "synthetic" }, model: { name: "resnet18" } };

describe("configs", () => {
  it("fill in defaults, and read back as themselves", () => {
    const experiment = parseConfig(experimentSchema, minimal);
    assert.equal(experiment.train.optimizer.name, "adamw");
    assert.deepEqual(
      parseConfig(experimentSchema, JSON.parse(JSON.stringify(experiment))),
      experiment,
    );
  });

  it("refuse to mix the images of a batch of one", () => {
    const parse = (train: ExperimentSettings["train"]) =>
      parseConfig(experimentSchema, { ...minimal, train });
    for (const augmentation of ["strong", { mixup: 0.2 }, { preset: "galaxy", cutmix: 1 }])
      assert.throws(
        () => parse({ batchSize: 1, augmentation }),
        /train.augmentation: (mixup|cutmix|mixup and cutmix) mix the images of a batch/,
      );
    parse({ batchSize: 1 });
    parse({ batchSize: 2, augmentation: "strong" });
  });

  it("name every key that is wrong", () => {
    const wrong = { ...minimal, train: { epochs: 0, optimizer: { learningrate: 1 } } };
    assert.throws(
      () => parseConfig(experimentSchema, wrong),
      /train\.epochs: .*train\.optimizer: .*learningrate/s,
    );
    const augmentation = { ...minimal, train: { augmentation: "wild" } };
    assert.throws(() => parseConfig(experimentSchema, augmentation), /train\.augmentation: .*wild/);
  });

  const refused = (train: unknown, expected: RegExp) =>
    assert.throws(() => parseConfig(experimentSchema, { ...minimal, train }), expected);

  it("say how a key is called now, or whose it is", () => {
    refused({ optimiser: {} }, /train: "optimiser" is unknown: write optimizer/);
    refused({ selectBy: "valLoss" }, /"selectBy" is now monitor/);
    refused({ evaluateEvery: 2 }, /"evaluateEvery" is now validationInterval/);
    refused({ optimizer: { accumulate: 2 } }, /"accumulate" is now gradientAccumulation/);
    refused({ testTimeAugmentation: true }, /"testTimeAugmentation" is now a key of predict/);
    refused(
      { schedule: { warmup: 1 } },
      /"warmup" is now warmupEpochs, or risingShare of onecycle/,
    );
    refused(
      { optimizer: { momentum: 0.5 } },
      /"momentum" is a key of sgd and has no effect on adamw/,
    );
    refused({ optimizer: { name: "sgd", beta1: 0.5 } }, /"beta1" is a key of adamw, adam and has/);
    refused({ schedule: { warmupEpochs: 1 } }, /"warmupEpochs" is a key of constant, step, cosine/);
    refused(
      { epochs: 3, schedule: { name: "cosine", warmupEpochs: 4 } },
      /warmupEpochs: is 4, and the training ends after 3/,
    );
    refused(
      { stages: [{ epochs: 9 }, { epochs: 1 }], schedule: { name: "step", warmupEpochs: 2 } },
      /warmupEpochs: is 2, and a stage ends after 1/,
    );
    refused(
      { schedule: { name: "cosine", stepSize: 1 } },
      /"stepSize" is a key of step and has no/,
    );
    refused(
      { loss: { name: "focal", labelSmoothing: 0.1 } },
      /train\.loss: .*focal.*labelSmoothing/,
    );
    refused({ loss: { gamma: 1 } }, /train\.loss: .*crossEntropy.*gamma/);
    refused({ loss: { name: "hinge" } }, /no loss "hinge"; expected one of crossEntropy, focal/);
  });

  it("refuse what could have no effect, or hold for ever", () => {
    for (const key of ["beta1", "beta2"]) refused({ optimizer: { [key]: 1 } }, new RegExp(key));
    refused({ optimizer: { name: "sgd", momentum: 1 } }, /momentum/);
    refused({ ema: 1 }, /train\.ema/);
    refused({ epochs: 3, stages: [{ epochs: 2 }] }, /train\.epochs: is 3, and the stages have 2/);
    refused(
      { earlyStopping: { metric: "valLoss" } },
      /earlyStopping\.metric: has no effect without/,
    );
    for (const key of ["dropout", "dropPath"]) {
      const model = { name: "resnet18", [key]: 1 };
      assert.throws(() => parseConfig(experimentSchema, { ...minimal, model }), new RegExp(key));
    }
    const task = (settings: Partial<ExperimentSettings>) => () =>
      parseConfig(experimentSchema, { ...minimal, ...settings });
    assert.throws(task({ task: "poetry" }), /task: there is no task "poetry".*classification/);
    assert.equal(task({ task: "classification" })().task, "classification");
  });

  it("with another optimizer, schedule or loss drop the keys that it does not have", () => {
    const under = { schedule: { name: "step", stepSize: 5 }, loss: { labelSmoothing: 0.1 } };
    const over = { schedule: { name: "cosine", floor: 0.1 }, loss: { name: "focal" } };
    assert.deepEqual(mergeSettings(under, over), over);
    const optimizer = { learningRate: 0.5, beta1: 0.8 };
    assert.deepEqual(withAssignments({ optimizer }, ["optimizer.name=sgd"]), {
      optimizer: { name: "sgd", learningRate: 0.5 },
    });
    assert.deepEqual(mergeSettings({ loss: { labelSmoothing: 0.1 } }, { loss: { x: 1 } }), {
      loss: { labelSmoothing: 0.1, x: 1 },
    });
  });

  it("take assignments at any depth", () => {
    const set = withAssignments(minimal, ["train.optimizer.clipNorm=2", "data.fraction=0.5"]);
    const { train, data } = parseConfig(experimentSchema, set);
    assert.equal(train.optimizer.clipNorm, 2);
    assert.equal(data.fraction, 0.5);
    assert.throws(() => withAssignments(minimal, ["epochs"]), /not key=value/);
    for (const broken of ["train.epochs=[1", "train.epochs={a", 'train.epochs="1', "a=b: c: d"]) {
      assert.throws(() => withAssignments(minimal, [broken]), {
        name: "UserError",
        message: /the value is no YAML/,
      });
    }
  });

  it("tell their differences", () => {
    const a = parseConfig(experimentSchema, minimal);
    const b = parseConfig(experimentSchema, { ...minimal, train: { epochs: 7 } });
    assert.deepEqual(configDifferences(a, b), ["train.epochs: 20 → 7"]);
  });

  it("come from files, with a profile laid over", () => {
    const folder = temporaryFolder();
    const path = join(folder.path, "a.yaml");
    writeFileSync(
      path,
      "data: {spec: synthetic}\nmodel: {name: resnet18}\ntrain: {epochs: 2}\nprofiles: {paper: {train: {epochs: 200}}}\n",
    );
    assert.equal(loadConfig(path, { profile: "paper" }).train.epochs, 200);
    for (const profile of ["constructor", "__proto__", "toString"]) {
      assert.throws(
        () => loadConfig(path, { profile }),
        /has no profile ".*"\n.*take one of paper/,
      );
      assert.throws(() => loadConfig(path, {}, profile), /has no model ".*"/);
    }
    assert.equal(loadConfig(path, { spec: "a.h5" }).data.spec, "a.h5");
    assert.throws(() => loadConfig(path, { profile: "fast" }), /no profile "fast"/);
    assert.throws(() => loadConfig(join(folder.path, "b.yaml")), /b\.yaml cannot be read/);
    folder.remove();
  });

  it("go by a name, with weights that can be fetched or named", () => {
    for (const name of Object.keys(presets)) {
      const { model, data } = loadConfig(name, { spec: "galaxies" });
      assert.equal(data.spec, "galaxies");
      const { hub, shipped } = modelDefinition(model.name);
      if (model.weights === "published") assert.ok(shipped ?? hub, name);
      const own = loadConfig(name, { spec: "galaxies", set: ["model.weights=mine.safetensors"] });
      assert.equal(own.model.weights, "mine.safetensors");
    }
    assert.throws(
      () => loadConfig("fine"),
      /fine cannot be read.*\n.*of a preset: simulated, pretrain, finetune/,
    );
  });

  it("are the same in the preset finetune and in galaxy-zoo.yaml, which says more", () => {
    const path = resolve(__dirname, "..", "..", "notebooks", "configs", "galaxy-zoo.yaml");
    const written: Tree = parse(readFileSync(path, "utf8"));
    assert.deepEqual(mergeSettings(written, presets.finetune), written);
  });

  it("take a data path as seen from the project, wherever they are read", () => {
    const { cwd, env } = { cwd: process.cwd(), env: process.env.TUNING_FORK_DATA };
    const path = resolve(__dirname, "..", "..", "notebooks", "configs", "quickstart.yaml");
    const spec = (data: string) => {
      process.env.TUNING_FORK_DATA = data;
      return loadConfig(path).data.spec;
    };
    try {
      process.chdir(tmpdir());
      assert.equal(spec("test/fixtures"), resolve(__dirname, "..", "fixtures"));
      assert.equal(spec("galaxy10-decals"), "galaxy10-decals");
      assert.equal(spec(__dirname), __dirname);
    } finally {
      process.chdir(cwd);
      if (env === undefined) delete process.env.TUNING_FORK_DATA;
      else process.env.TUNING_FORK_DATA = env;
    }
  });
});
