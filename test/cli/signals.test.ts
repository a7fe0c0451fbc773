import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { acquireLock } from "#lib/io/lock";
import { openCheckpoint } from "#lib/train/checkpoint";
import { temporaryFolder, writeClasses } from "../train/support";
import { COMMAND, tuningFork, tuningForkHere } from "./support";

describe("a signal to the command", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  before(() => writeClasses(at("images"), { faint: 60, bright: 60 }, 16));
  after(() => folder.remove());

  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const) {
    it(`${signal} ends a training with a checkpoint, from which the next one goes on`, async () => {
      const run = at(signal);
      const args = [
        ...["train", "--data", at("images"), "--model", "test_custom_cnn", "--out", run],
        ...["--set", "train.epochs=150", "--set", "train.batchSize=8", "--set", "data.fraction=1"],
      ];
      const child = spawn(process.execPath, [COMMAND, ...args], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      let error = "";
      child.stderr.on("data", (chunk) => {
        error += chunk;
      });
      const watch = setInterval(() => {
        // The first epoch is done and the next is under way. A second signal would end it at once.
        if (!child.killed && existsSync(join(run, "history.csv"))) child.kill(signal);
      }, 20);
      const [ended] = await once(child, "close");
      clearInterval(watch);
      assert.equal(ended, code, error);
      assert.match(error, /✗ interrupted\n {2}→ run it again/);
      assert.ok(!existsSync(join(run, "lock")));
      const before = openCheckpoint(join(run, "checkpoints", "latest"))?.training;
      assert.ok(before !== undefined && before.epoch < 150 && before.step > 0);
      assert.ok(before.batch > 0 || before.epoch > 0, "where it stood is kept");

      const refused = await tuningForkHere(...args, "--set", "train.seed=5");
      assert.match(refused.error, /holds a run with another config: train\.seed: 42 → 5/);
    });
  }

  it("is not needed to keep a second process out: a --restart that is refused changes nothing", () => {
    const files = () =>
      readdirSync(at("SIGTERM"), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), "utf8")]);
    const before = files();
    const release = acquireLock(at("SIGTERM", "lock"), "x");
    const args = ["train", "--data", at("images"), "--model", "test_custom_cnn"];
    const { code, error } = tuningFork(...args, "--out", at("SIGTERM"), "--restart");
    release();
    assert.equal(code, 1);
    assert.match(error, new RegExp(`process ${process.pid} is at work on .*SIGTERM`));
    assert.deepEqual(files(), before);
  });
});
