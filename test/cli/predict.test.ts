import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { asText } from "#lib/core/table";
import { openFits } from "#lib/data/fits-file";
import { startEngine } from "#lib/engine/start";
import { readPredictions } from "#lib/evaluate/predictions-file";
import { saveModel } from "#lib/models/model-file";
import { createModel } from "#lib/models/registry";
import { temporaryFolder, writeClasses } from "../train/support";
import { tuningFork, tuningForkHere } from "./support";

describe("tuning-fork predict", function () {
  this.timeout(180_000);
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  const run = at("run");
  const ask = (data: string, ...more: string[]) =>
    tuningForkHere("predict", "--run", run, "--data", data, "--out", at("out.csv"), ...more);
  const answers = () => readPredictions(at("out.csv"));

  before(async () => {
    await writeClasses(at("images"), { "Barred Spiral": 20, faint: 20, medium: 20 });
    const settings = ["data.size=32", "train.epochs=4", "train.batchSize=8", "train.ema=0.5"];
    const { code, error } = tuningFork(
      ...["train", "--data", at("images"), "--model", "test_custom_cnn", "--out", run],
      ...[...settings, "predict.testTimeAugmentation=true"].flatMap((set) => ["--set", set]),
    );
    assert.equal(code, 0, error);
  });
  after(() => folder.remove());

  it("says of the run's test galaxies what the run said, to the digit, however the path is written", async () => {
    const own = readFileSync(join(run, "predictions.csv"), "utf8");
    const elsewhere = (data: string, ...more: string[]) =>
      tuningFork("predict", "--run", run, "--data", data, "--out", at("out.csv"), ...more);
    const paths = { [`${at("images")}/`]: elsewhere, [relative(process.cwd(), at("images"))]: ask };
    for (const [data, asked] of Object.entries(paths)) {
      const { code, error } = await asked(data, "--split", "test");
      assert.equal(code, 0, error);
      assert.equal(readFileSync(at("out.csv"), "utf8"), own);
    }
    const { code, error } = await ask(at("images"), "--split", "tests");
    assert.equal(code, 1);
    assert.match(error, /no rows in a split "tests"; it has .*test \(12\)/);
  });

  it("takes other weights in the place of the run's, of the same network alone", async () => {
    const own = readFileSync(join(run, "predictions.csv"), "utf8");
    const exported = await tuningForkHere("export", "--run", run, "--out", at("exported"));
    assert.equal(exported.code, 0, exported.error);
    const weights = at("exported", "model.safetensors");
    const same = await ask(at("images"), "--split", "test", "--weights", weights);
    assert.equal(same.code, 0, same.error);
    assert.equal(readFileSync(at("out.csv"), "utf8"), own);

    await startEngine();
    const task = { task: "classification", loss: "crossEntropy", outputs: ["yes", "no"] };
    const save = (name: string) => {
      const model = createModel(name, { numClasses: 2, inputSize: [32, 32], seed: 1 });
      saveModel(model, at(`${name}.safetensors`), { task });
      model.dispose();
      return at(`${name}.safetensors`);
    };
    const head = await ask(at("images"), "--weights", save("test_custom_cnn"));
    assert.equal(head.code, 0, head.error);
    assert.deepEqual((await answers()).classNames, ["yes", "no"]);
    const other = await ask(at("images"), "--weights", save("test_resnet18"));
    assert.equal(other.code, 1);
    assert.match(other.error, /holds weights of test_resnet18 .*the run's are of test_custom_cnn/);
  });

  it("knows the run's galaxies again where data and run were moved, and no others by their names alone", async () => {
    const own = readFileSync(join(run, "predictions.csv"), "utf8");
    const moved = (...args: string[]) =>
      tuningForkHere("predict", "--run", at("run-moved"), "--out", at("out.csv"), ...args);
    renameSync(run, at("run-moved"));
    renameSync(at("images"), at("moved"));
    try {
      const { code, error } = await moved("--data", at("moved"), "--split", "test");
      assert.equal(code, 0, error);
      assert.equal(readFileSync(at("out.csv"), "utf8"), own);

      // The figures need nothing but the run's folder.
      const drawn = await tuningForkHere(
        "figures",
        "--run",
        at("run-moved"),
        "--out",
        at("figures"),
        "--format",
        "svg",
      );
      assert.equal(drawn.code, 0, drawn.error);
      assert.ok(readdirSync(at("figures")).includes("confusion-matrix.svg"));

      // Other pictures under the same names: nothing is said about which of them the run was tested on.
      cpSync(at("moved"), at("others"), { recursive: true });
      const [first, last] = ["faint", "medium"].map((name) => join(at("others"), name));
      for (const file of readdirSync(first)) {
        cpSync(join(last, file.replace("faint", "medium")), join(first, file));
      }
      const others = await moved("--data", at("others"), "--split", "test");
      assert.equal(others.code, 1);
      assert.match(
        others.error,
        /has no splits \(these are not the galaxies, labels and pictures of the run/,
      );
      assert.equal((await moved("--data", at("others"))).code, 0);
    } finally {
      renameSync(at("run-moved"), run);
      renameSync(at("moved"), at("images"));
    }
  });

  it("matches classes by name: another order, one missing, one too many", async () => {
    assert.equal((await ask(at("images"))).code, 0);
    const known = await answers();
    cpSync(at("images"), at("renamed"), { recursive: true });
    renameSync(at("renamed", "Barred Spiral"), at("renamed", "z_barred_spiral"));
    renameSync(at("renamed", "z_barred_spiral"), at("renamed", "barred_spiral"));
    rmSync(at("renamed", "medium"), { recursive: true });
    await writeClasses(at("renamed"), { aaa: 3 });
    const { code, error } = await ask(at("renamed"));
    assert.equal(code, 0, error);
    assert.match(error, /galaxies of aaa, which are not among the model's classes/);
    const table = await answers();
    assert.deepEqual(table.classNames, ["Barred Spiral", "faint", "medium"]);
    for (const [row, id] of table.ids.entries()) {
      const name = id.replace("barred_spiral/", "Barred Spiral/");
      const before = known.ids.indexOf(name);
      assert.equal(table.labels[row], id.startsWith("aaa") ? -1 : known.labels[before], id);
      if (before < 0) continue;
      for (const c of [0, 1, 2]) {
        const p = table.probabilities?.[3 * row + c] ?? Number.NaN;
        assert.ok(Math.abs(p - (known.probabilities?.[3 * before + c] ?? Number.NaN)) < 1e-6);
      }
    }
  });

  it("answers about pictures without labels: a folder, one file", async () => {
    mkdirSync(at("plain"));
    for (const file of readdirSync(at("images", "faint")).slice(0, 3)) {
      cpSync(at("images", "faint", file), at("plain", file));
    }
    assert.equal((await ask(at("plain"))).code, 0);
    assert.deepEqual([...(await answers()).labels], [-1, -1, -1]);
    assert.equal((await ask(at("plain", readdirSync(at("plain"))[0]))).code, 0);
    assert.equal((await answers()).ids.length, 1);
  });

  it("writes a catalog where the file ends as one, or is asked to be", async () => {
    const args = ["predict", "--run", run, "--data", at("images"), "--out"];
    assert.equal((await tuningForkHere(...args, at("catalog.fits"))).code, 0);
    const file = await openFits(at("catalog.fits"));
    const { id, predicted, ...columns } = file.table();
    file.close();
    assert.deepEqual(Object.keys(columns), ["p_Barred Spiral", "p_faint", "p_medium"]);
    assert.equal((await tuningForkHere(...args, at("catalog.csv"), "--catalog")).code, 0);
    const [header, ...rows] = readFileSync(at("catalog.csv"), "utf8").trim().split("\n");
    assert.equal(header, "id,predicted,p_Barred Spiral,p_faint,p_medium");
    assert.deepEqual(
      rows.map((row) => row.split(",").slice(0, 2)),
      asText(id).map((name, row) => [name, asText(predicted)[row]]),
    );
    const { code, error } = await tuningForkHere(...args, at("catalog.txt"));
    assert.equal(code, 1);
    assert.match(error, /ends in none of \.csv, \.parquet, \.fits/);
  });

  it("is done in parts by cluster, whose table is the whole one; a second submit starts nothing", async () => {
    assert.equal((await ask(at("images"))).code, 0);
    const [plan, joined] = [at("plan"), at("joined.csv")];
    const submit = () =>
      tuningFork(
        ...["cluster", "submit", "predict", "--run", run, "--data", at("images")],
        ...["--shards", "2", "--at-once", "2", "--out", plan],
      );
    const first = submit();
    assert.equal(first.code, 0, first.error);
    assert.match(first.error, /^2\/2 shard-[12]-of-2 is done$/m);
    assert.match(first.out, /^2 done of 2 /);
    const again = submit();
    assert.equal(again.code, 0, again.error);
    assert.doesNotMatch(again.error, /begins/);
    assert.equal((await tuningForkHere("cluster", "collect", plan, "--out", joined)).code, 0);
    const [whole, parts] = [await answers(), await readPredictions(joined)];
    assert.deepEqual(parts.ids, whole.ids);
    assert.deepEqual(parts.labels, whole.labels);
    for (const [i, p] of (whole.probabilities ?? []).entries()) {
      assert.ok(Math.abs(p - (parts.probabilities?.[i] ?? Number.NaN)) < 1e-6);
    }
    const wrong = await tuningForkHere(
      "cluster",
      "submit",
      "predict",
      "--shard",
      "1/2",
      "--out",
      plan,
    );
    assert.match(wrong.error, /--shards is missing/);
  });

  it("takes a file of weights that says what it is, and refuses another name for it", async () => {
    const weights = join(run, "model.safetensors");
    assert.equal((await tuningForkHere("export", "--run", run, "--out", run)).code, 0);
    const asked = ["--weights", weights, "--data", at("plain"), "--out", at("file.csv")];
    const { code, error } = await tuningForkHere("predict", ...asked);
    assert.equal(code, 0, error);
    assert.match(readFileSync(at("file.csv"), "utf8"), /^id,label,predicted,p_Barred Spiral,/);
    const wrong = await tuningForkHere("predict", ...asked, "--model", "resnet18");
    assert.match(wrong.error, /holds weights of test_custom_cnn, not of resnet18/);
  });

  it("warns where the scale of the pictures cannot be known", async () => {
    await writeClasses(at("large"), { faint: 2 }, 64);
    const { code, error } = await ask(at("large"));
    assert.equal(code, 0, error);
    assert.match(error, /learned from pictures of 32 × 32 pixels, these are pictures of 64 × 64/);
    assert.doesNotMatch((await ask(at("large"), "--crop", "32")).error, /learned from/);
  });
});
