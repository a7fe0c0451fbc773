import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  dataFolder,
  findPath,
  packageFolder,
  projectFolder,
  resultsFolder,
  stateFolder,
} from "#lib/io/paths";

const repository = resolve(__dirname, "..", "..");

describe("paths", () => {
  const before = { folder: process.cwd(), results: process.env.TUNING_FORK_RESULTS };
  let folder: string;
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "paths-")));
    delete process.env.TUNING_FORK_RESULTS;
  });
  afterEach(() => {
    process.chdir(before.folder);
    if (before.results !== undefined) process.env.TUNING_FORK_RESULTS = before.results;
    else delete process.env.TUNING_FORK_RESULTS;
    rmSync(folder, { recursive: true });
  });

  it("are those of the nearest project above the working folder", () => {
    mkdirSync(join(folder, ".tuning-fork"));
    mkdirSync(join(folder, "notebooks", "deep"), { recursive: true });
    for (const place of [folder, join(folder, "notebooks", "deep")]) {
      process.chdir(place);
      assert.equal(projectFolder(), folder);
      assert.equal(dataFolder("weights", "a"), join(folder, "data", "weights", "a"));
      assert.equal(resultsFolder(), join(folder, "results"));
      assert.equal(stateFolder("engine.json"), join(folder, ".tuning-fork", "engine.json"));
    }
  });

  it("are this repository's from a folder of no project", () => {
    process.chdir(folder);
    assert.equal(projectFolder(), repository);
    assert.ok(existsSync(join(packageFolder, "package.json")));
  });

  it("put runs where TUNING_FORK_RESULTS says", () => {
    process.env.TUNING_FORK_RESULTS = folder;
    assert.equal(resultsFolder("a"), join(folder, "a"));
  });

  it("are found from the working folder first, then from the project", () => {
    process.chdir(folder);
    assert.equal(findPath("README.md"), join(repository, "README.md"));
    writeFileSync("README.md", "");
    assert.equal(findPath("README.md"), "README.md");
    assert.equal(findPath("absent"), "absent");
  });
});
