import assert from "node:assert/strict";
import { readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { presets } from "#lib/train/presets";
import { temporaryFolder, writeClasses } from "../train/support";
import { tuningForkHere } from "./support";

const ROOT = resolve(__dirname, "..", "..");
/** Of a run that takes seconds. */
const SHORT = ["epochs=1", "imagesPerEpoch=16", "batchSize=8"].map((one) => `train.${one}`);

describe("train --config with a preset", function () {
  this.timeout(240_000);
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  const cwd = process.cwd();
  before(async () => {
    await writeClasses(at("images"), { faint: 20, bright: 30 });
    // A project of its own, with this one's engine.
    symlinkSync(join(ROOT, ".tuning-fork"), at(".tuning-fork"));
    process.chdir(folder.path);
    const made = await tuningForkHere(..."data make synthetic --count 100 --size 32".split(" "));
    assert.equal(made.code, 0, made.error);
  });
  after(() => {
    process.chdir(cwd);
    folder.remove();
  });

  const train = async (name: string, ...more: string[]) => {
    const set = SHORT.flatMap((one) => ["--set", one]);
    const args = ["--config", name, "--out", at(name), ...set, ...more];
    const { code, error } = await tuningForkHere("train", ...args);
    assert.equal(code, 0, error);
    const metrics = JSON.parse(readFileSync(at(name, "metrics.json"), "utf8"));
    assert.ok(metrics.rows > 0);
    return error;
  };

  it("simulated learns the votes of the galaxies that data make made", async () => {
    await train("simulated", "--set", "data.split=[0.8,0,0.2]");
  });

  it("pretrain learns from pictures without labels", async () => {
    await train("pretrain", "--data", at("images"));
  });

  it("finetune begins with the shipped weights, or with those of another preset", async () => {
    const said = await train("finetune", "--data", at("images"));
    assert.match(said, /weights of published: \d+ parameters; the classifier starts fresh/);
    for (const [name, model] of [
      ["simulated", "p4m_resnet10_narrow"],
      ["pretrain", "custom_cnn"],
    ]) {
      const other = ["--model", model, "--set", `model.weights=${at(name)}`, "--restart"];
      const begun = await train("finetune", "--data", at("images"), ...other);
      assert.match(begun, new RegExp(`weights of .*${name}: \\d+ parameters; the classifier`));
    }
  });

  it("has one of these for each preset", () => {
    assert.deepEqual(Object.keys(presets).sort(), ["finetune", "pretrain", "simulated"]);
  });
});
