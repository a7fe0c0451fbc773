import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { temporaryFolder, writeClasses } from "../train/support";
import { tuningFork, tuningForkHere } from "./support";

const FITS = resolve(__dirname, "..", "fixtures", "data", "fits");

describe("tuning-fork", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  before(() => writeClasses(at("images"), { faint: 20, bright: 30 }));
  after(() => folder.remove());

  it("lists its verbs, and refuses one that is not there", () => {
    const { code, out } = tuningFork("--help");
    assert.equal(code, 0);
    for (const verb of ["data", "image", "train", "figures", "ablation", "export"]) {
      assert.match(out, new RegExp(`^ {2}${verb} `, "m"));
    }
    const wrong = tuningFork("trian");
    assert.equal(wrong.code, 1);
    assert.match(wrong.error, /no verb "trian"[\s\S]*did you mean `tuning-fork train`/);
  });

  it("data list and info say what there is, for people and for programs", async () => {
    const names = JSON.parse((await tuningForkHere("data", "list", "--json")).out) as {
      name: string;
    }[];
    assert.ok(names.some(({ name }) => name === "galaxy10-decals"));
    assert.match(
      (await tuningForkHere("data", "info", at("images"))).out,
      /50 images of 32 × 32 pixels/,
    );
    const info = JSON.parse((await tuningForkHere("data", "info", at("images"), "--json")).out);
    assert.deepEqual(info.classes, { bright: 30, faint: 20 });
    const one = await tuningForkHere("data", "info", at("images", "faint"));
    assert.match(one.out, /20 images .*\n.*\n20 without a label/);
    const wrong = await tuningForkHere("data", "info", "galaxy11");
    assert.equal(wrong.code, 1);
    assert.match(wrong.error, /galaxy10-decals/);
    assert.match((await tuningForkHere("data", "look")).error, /no verb "data look"/);
    assert.match((await tuningForkHere("data", "get", "galaxy11")).error, /take one of synthetic/);
  });

  it("data make and export write a set and its class folders", async () => {
    const made = await tuningForkHere(
      ...["data", "make", "synthetic", "--count", "60", "--size", "16"],
      ...["--folder", at("data")],
    );
    assert.equal(made.code, 0, made.error);
    assert.ok(existsSync(at("data", "synthetic", "synthetic.h5")));
    const exported = await tuningForkHere(
      "data",
      "export",
      at("images"),
      "--to",
      at("out"),
      "--balanced",
    );
    assert.equal(exported.code, 0, exported.error);
    assert.match(exported.out, /40 images written, 0 there already/);
    assert.deepEqual(readdirSync(at("out", "train")).sort(), ["bright", "faint"]);
    assert.match(
      (await tuningForkHere("data", "export", at("images"), "--to", at("out"), "--balanced")).out,
      /0 images written, 40 there already/,
    );
    assert.match((await tuningForkHere("data", "export", at("images"))).error, /--to is missing/);
  });

  it("image turns FITS into a picture", async () => {
    const done = await tuningForkHere("image", join(FITS, "f4.fits"), "--out", at("galaxy.png"));
    assert.equal(done.code, 0, done.error);
    const { default: sharp } = await import("sharp");
    const { width, height } = await sharp(at("galaxy.png")).metadata();
    assert.match(done.out, new RegExp(`${width} × ${height} pixels`));
    assert.match(
      (await tuningForkHere("image", at("nothing.fits"), "--out", at("x.png"))).error,
      /nothing\.fits/,
    );
    assert.match(
      (await tuningForkHere("image", "--out", at("x.png"))).error,
      /FILE\.fits is missing/,
    );
    const nested = resolve(FITS, "../../cases/data/mef_empty_primary.fits");
    const second = await tuningForkHere("image", nested, "--hdu", "1", "--out", at("second.png"));
    assert.match(second.out, /64 × 48 pixels/, second.error);
    const none = await tuningForkHere("image", nested, "--hdu", "0", "--out", at("x.png"));
    assert.match(none.error, /HDU 0 is no image/);
  });

  describe("with a run", () => {
    before(() => {
      const { code, error } = tuningFork(
        ...["train", "--data", at("images"), "--model", "test_custom_cnn", "--out", at("run")],
        ...["--set", "train.epochs=1", "--set", "train.batchSize=8", "--set", "data.size=32"],
      );
      assert.equal(code, 0, error);
    });

    it("figures draws them from its folder", async () => {
      const args = ["--run", at("run"), "--out", at("figures"), "--format", "html"];
      const { code, out, error } = await tuningForkHere("figures", ...args);
      assert.equal(code, 0, error);
      assert.ok(readdirSync(at("figures")).includes("confusion-matrix.html"));
      assert.equal(out.trim().split("\n").length, readdirSync(at("figures")).length);
      const wrong = await tuningForkHere(
        "figures",
        "--run",
        at("run"),
        "--out",
        at("f"),
        "--format",
        "gif",
      );
      assert.equal(wrong.code, 1);
      assert.match(wrong.error, /"gif" is no format of figures/);
      assert.match(
        (await tuningForkHere("figures", "--run", at("none"), "--out", at("f"))).error,
        /holds no run/,
      );
      assert.match(
        (
          await tuningForkHere(
            "figures",
            "--run",
            at("run"),
            "--out",
            at("f"),
            "--width-mm",
            "wide",
          )
        ).error,
        /--width-mm is "wide"; expected a number of at least 1/,
      );
    });

    it("export writes what other programs open", async () => {
      for (const [format, file] of [
        ["safetensors", "model.safetensors"],
        ["savedmodel", "saved_model.pb"],
        ["web", "model.json"],
      ]) {
        const args = ["--run", at("run"), "--out", at(format), "--format", format];
        const { code, error } = await tuningForkHere("export", ...args);
        assert.equal(code, 0, error);
        assert.ok(existsSync(at(format, file)), format);
      }
      const manifest = JSON.parse(readFileSync(at("web", "model.json"), "utf8"));
      assert.deepEqual(manifest.description.task.outputs, ["bright", "faint"]);
      const wrong = await tuningForkHere(
        "export",
        "--run",
        at("run"),
        "--out",
        at("x"),
        "--format",
        "onnx",
      );
      assert.equal(wrong.code, 1);
      assert.match(wrong.error, /expected one of safetensors, savedmodel, web/);
    });

    it("evaluate reports the same numbers as the run's metrics", async () => {
      const { code, out } = await tuningForkHere(
        "evaluate",
        at("run", "predictions.csv"),
        "--json",
      );
      assert.equal(code, 0);
      const metrics = JSON.parse(readFileSync(at("run", "metrics.json"), "utf8"));
      assert.equal(JSON.parse(out).accuracy, metrics.accuracy);
    });
  });

  it("ablation needs a config that is one", async () => {
    const missing = await tuningForkHere("ablation", "--config", at("none.yaml"), "--out", at("a"));
    assert.equal(missing.code, 1);
    assert.match(missing.error, /none\.yaml cannot be read/);
    const config = resolve(__dirname, "..", "..", "notebooks", "configs", "quickstart.yaml");
    const other = await tuningForkHere("ablation", "--config", config, "--out", at("a"));
    assert.match(other.error, /quickstart\.yaml, ablation/);
  });
});
