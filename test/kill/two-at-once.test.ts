import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readSplit } from "#lib/data/splits";
import { COMMAND } from "../cli/support";
import { zipOf } from "../io/zip";
import { temporaryFolder, writeClasses } from "../train/support";

const UNZIP = join(__dirname, "../../lib/dist/io/unzip.js");

/** Run the same program of Node several times at once. */
function together(times: number, args: readonly string[]) {
  return Promise.all(
    Array.from({ length: times }, async () => {
      const child = spawn(process.execPath, args, {
        stdio: ["ignore", "ignore", "pipe"],
      });
      let error = "";
      child.stderr.on("data", (chunk) => {
        error += chunk;
      });
      const [code] = (await once(child, "close")) as [number];
      return { code, error };
    }),
  );
}

describe("two processes at once", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  before(() => writeClasses(at("images"), { faint: 20, bright: 20 }, 16));
  after(() => folder.remove());

  it("export the same folders: no file is a mixture, and none is left over", async () => {
    const ended = await together(2, [COMMAND, "data", "export", at("images"), "--to", at("out")]);
    for (const { code, error } of ended) {
      assert.ok(code === 0 || /is not empty|is at work/.test(error), error);
    }
    assert.ok(ended.some(({ code }) => code === 0));
    const names = readdirSync(at("out"), { recursive: true }).map(String);
    assert.equal(names.filter((name) => /\.png$/.test(name)).length, 40);
    assert.deepEqual(
      names.filter((name) => /partial|lock/.test(name)),
      [],
    );
    assert.equal((await readSplit(at("out", "split.csv"))).size, 40);
  });

  it("unpack the same archive: every file is whole, and none is left over", async () => {
    const files = Array.from({ length: 60 }, (_, i) => Buffer.alloc(20_000 + i, i));
    const entries = files.map((data, i) => ({ name: `${i}.png`, data }));
    writeFileSync(at("a.zip"), zipOf(entries));
    const script = `require(${JSON.stringify(UNZIP)}).unzipFiles(
      ${JSON.stringify(at("a.zip"))}, ${JSON.stringify(at("unpacked"))}, /png$/,
    ).catch((error) => { console.error(error); process.exitCode = 1; })`;
    for (const { code, error } of await together(3, ["-e", script])) assert.equal(code, 0, error);
    assert.equal(readdirSync(at("unpacked")).length, files.length);
    for (const [i, data] of files.entries())
      assert.deepEqual(readFileSync(at("unpacked", `${i}.png`)), data);
  });

  it("train in the same folder: one does, the other says who", async () => {
    const args = [
      ...[
        COMMAND,
        "train",
        "--data",
        at("images"),
        "--model",
        "test_custom_cnn",
        "--out",
        at("run"),
      ],
      ...["--set", "train.epochs=3", "--set", "train.batchSize=8"],
    ];
    const ended = await together(2, args);
    const lost = ended.filter(({ code }) => code !== 0);
    // On a busy machine the second may begin after the first has ended.
    for (const { error } of lost) assert.match(error, /process \d+ is at work on .*run/);
    assert.ok(lost.length < 2);
    assert.equal(readFileSync(at("run", "history.csv"), "utf8").trim().split("\n").length, 4);
    assert.ok(!existsSync(at("run", "lock")));
  });
});
