import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createPredictions } from "#lib/evaluate/predictions";
import { formatPredictions } from "#lib/evaluate/predictions-csv";
import { temporaryFolder, writeClasses } from "../train/support";

const ROOT = resolve(__dirname, "..", "..");

describe("the experiments of results/", () => {
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  before(async () => {
    await writeClasses(at("images"), { faint: 20, bright: 30 });
    await writeClasses(at("others"), { faint: 8, bright: 8 }, 33);
    // A project of its own, with this one's engine.
    symlinkSync(join(ROOT, ".tuning-fork"), at(".tuning-fork"));
  });
  after(() => folder.remove());

  const run = (name: string, ...args: string[]) => {
    const script = join(ROOT, "tools", "experiments", `${name}.mjs`);
    const options = { cwd: folder.path, encoding: "utf8" } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], options);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const seen = ["--size", "32", "--seeds", "1", "--model", "p4m_resnet10_narrow"];

  it("few-labels: heads on features of few galaxies and of all", () => {
    const text = run("few-labels", "--data", at("images"), ...seen, "--labels", "8,all");
    const lines = text.match(/of 8 orientations, (8|all) labels: [01]\.\d+ .*10 tested/g);
    assert.equal(lines?.length, 4, text);
  });

  it("label-errors: wrong labels among them", () => {
    assert.match(run("label-errors", "--data", at("images"), ...seen), /AUROC/);
  });

  it("label-subsets, and pseudo-labels for what they leave", () => {
    const subsets = ["--data", at("images"), "--out", at("subsets"), "--labels", "8"];
    run("label-subsets", ...subsets, "--rest", at("others"));
    const rows = (file: string) =>
      readFileSync(at(...file.split("/")), "utf8")
        .trim()
        .split("\n")
        .slice(1)
        .map((line) => line.split(","));
    const labeled = rows("subsets/8-labels-1.csv");
    const tested = labeled.filter(([, , , split]) => split === "test").map(([id]) => id);
    const ids = rows("subsets/rest.csv").map(([id]) => id);
    assert.ok(ids.length > 0 && !ids.some((id) => tested.includes(id)));
    const known = new Set(labeled.map(([id]) => id));
    const sure = ids.filter((id, i) => i % 2 === 0 && !known.has(id));
    const table = createPredictions({
      classNames: ["bright", "faint"],
      ids,
      labels: new Int32Array(ids.length).fill(-1),
      probabilities: Float64Array.from(
        ids.flatMap(
          (_, i) =>
            [
              [0.95, 0.05],
              [0.4, 0.6],
            ][i % 2],
        ),
      ),
    });
    writeFileSync(at("answers.csv"), formatPredictions(table));
    const files = ["8-labels-1.csv", "rest.csv"].map((name) => at("subsets", name));
    const given = ["--labeled", files[0], "--rest", files[1], "--answers", at("answers.csv")];
    const text = run("pseudo-labels", ...given, "--sure", "0.9", "--out", at("all.csv"));
    assert.match(text, new RegExp(`${sure.length} of ${ids.length} with .* faint 0\\)`));
    assert.deepEqual(
      rows("all.csv").map(([id]) => id),
      [...labeled.map(([id]) => id), ...sure.map((id) => `sure/${id}`)],
    );
  });
});
