import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  configDifferences,
  experimentSchema,
  parseConfig,
  withAssignments,
} from "#lib/train/config";
import { loadExperiment } from "#lib/train/config-file";
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

  it("name every key that is wrong", () => {
    const wrong = { ...minimal, train: { epochs: 0, optimizer: { learningrate: 1 } } };
    assert.throws(
      () => parseConfig(experimentSchema, wrong),
      /train\.epochs: .*train\.optimizer: .*learningrate/s,
    );
    const augmentation = { ...minimal, train: { augmentation: "wild" } };
    assert.throws(() => parseConfig(experimentSchema, augmentation), /train\.augmentation: .*wild/);
  });

  it("take assignments at any depth", () => {
    const set = withAssignments(
      minimal,
      ["train.optimizer.clipNorm=2", "data.fraction=0.5"],
      Number,
    );
    const { train, data } = parseConfig(experimentSchema, set);
    assert.equal(train.optimizer.clipNorm, 2);
    assert.equal(data.fraction, 0.5);
    assert.throws(() => withAssignments(minimal, ["epochs"], Number), /not key=value/);
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
    assert.equal(loadExperiment(path, { profile: "paper" }).train.epochs, 200);
    assert.equal(loadExperiment(path, { spec: "a.h5" }).data.spec, "a.h5");
    assert.throws(() => loadExperiment(path, { profile: "fast" }), /no profile "fast"/);
    assert.throws(() => loadExperiment(join(folder.path, "b.yaml")), /b\.yaml cannot be read/);
    folder.remove();
  });

  it("take a data path as seen from the project, wherever they are read", () => {
    const { cwd, env } = { cwd: process.cwd(), env: process.env.TUNING_FORK_DATA };
    const path = resolve(__dirname, "..", "..", "notebooks", "configs", "quickstart.yaml");
    const spec = (data: string) => {
      process.env.TUNING_FORK_DATA = data;
      return loadExperiment(path).data.spec;
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
