import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { acquireLock, withLock } from "#lib/io/lock";

const MODULE = require.resolve("#lib/io/lock");

describe("locks", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lock-"));
    path = join(folder, "sub", "lock");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const owner = () => JSON.parse(readFileSync(path, "utf8"));

  it("say who holds them, and are gone when given back", () => {
    const release = acquireLock(path, "the run");
    assert.deepEqual([owner().host, owner().pid], [hostname(), process.pid]);
    assert.throws(() => acquireLock(path, "the run"), {
      name: "UserError",
      message: /this process is already at work on the run/,
    });
    release();
    assert.ok(!existsSync(path));
    acquireLock(path, "the run")();
  });

  it("stay where somebody else has one by now", () => {
    const release = acquireLock(path, "the run");
    const other = JSON.stringify({ ...owner(), token: "of another" });
    writeFileSync(path, other);
    release();
    assert.equal(readFileSync(path, "utf8"), other);
  });

  it("are held by a process that lives and taken over from one that has ended", async () => {
    const script = `require(${JSON.stringify(MODULE)}).acquireLock(${JSON.stringify(path)}, "x");`;
    const child = spawn(process.execPath, [
      "-e",
      `${script} console.log(1); setInterval(() => {}, 1000)`,
    ]);
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const message = new RegExp(`process ${child.pid} is at work on the run`);
    assert.throws(() => acquireLock(path, "the run"), message);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
    acquireLock(path, "the run")();
    assert.deepEqual(readdirSync(join(folder, "sub")), []);
  });

  it("are not held by another process that has got the number of the one that ended", function () {
    if (process.platform === "win32") this.skip();
    acquireLock(path, "x")();
    const release = acquireLock(path, "x");
    const mine = owner();
    release();
    writeFileSync(path, JSON.stringify({ ...mine, pid: process.ppid, started: "long ago" }));
    acquireLock(path, "x")();
  });

  it("of another host are not taken over, even where the process number is free here", async () => {
    const other = { host: "node-17", pid: 999999999, user: "anna", started: "", token: "t" };
    writeFileSync(join(folder, "lock"), JSON.stringify(other));
    const expected = {
      name: "UserError",
      message: /process 999999999 of the host node-17 is at work on the run[\s\S]*delete .*lock/,
    };
    assert.throws(() => acquireLock(join(folder, "lock"), "the run"), expected);
    await assert.rejects(
      withLock(join(folder, "lock"), "the run", async () => 0),
      expected,
    );
  });

  it("of another user say whose process it is", () => {
    const release = acquireLock(path, "x");
    writeFileSync(
      path,
      JSON.stringify({ ...owner(), pid: process.ppid, user: "anna", started: "" }),
    );
    assert.throws(() => acquireLock(path, "the run"), /process \d+ of the user anna is at work/);
    rmSync(path);
    release();
  });

  it("are whole as soon as they are there, whoever is killed", () => {
    // A process that looks at it all the time never sees a lock without its owner.
    const script = `
      const { readFileSync } = require("node:fs");
      let empty = 0;
      for (const end = Date.now() + 700; Date.now() < end; ) {
        try { if (!readFileSync(${JSON.stringify(path)}, "utf8").endsWith("}\\n")) empty++; } catch {}
      }
      console.log(empty);`;
    const child = spawn(process.execPath, ["-e", script]);
    const seen = new Promise((done) => child.stdout.once("data", (text) => done(Number(text))));
    for (const end = Date.now() + 800; Date.now() < end; ) acquireLock(path, "x")();
    return seen.then((empty) => assert.equal(empty, 0));
  });

  it("that do not say whose they are name the file to delete", () => {
    writeFileSync(join(folder, "lock"), "");
    assert.throws(() => acquireLock(join(folder, "lock"), "the run"), /delete .*\/lock/);
  });

  it("let one at a time through, and the others wait", async () => {
    let inside = 0;
    let most = 0;
    const said: string[] = [];
    const results = await Promise.all(
      [0, 1, 2].map((i) =>
        withLock(
          path,
          "the file",
          async () => {
            most = Math.max(most, ++inside);
            await sleep(20);
            inside--;
            return i;
          },
          { onWait: (message) => said.push(message) },
        ),
      ),
    );
    assert.deepEqual([results, most, said.length], [[0, 1, 2], 1, 2]);
    await assert.rejects(
      withLock(path, "the file", () => Promise.reject(new Error("failed"))),
      /failed/,
    );
    assert.ok(!existsSync(path));
  });

  it("are left to whoever took a dead one over first", () => {
    const dead = { host: hostname(), pid: 999999999, user: "anna", started: "", token: "dead" };
    acquireLock(path, "the run")();
    writeFileSync(path, JSON.stringify(dead));
    const living = { host: "node-17", pid: 1, user: "anna", started: "", token: "living" };
    const { kill } = process;
    // While this process looks whether the owner lives, another one takes the lock.
    process.kill = (...given) => {
      if (given[0] === dead.pid) writeFileSync(path, JSON.stringify(living));
      return kill.apply(process, given);
    };
    try {
      assert.throws(() => acquireLock(path, "the run"), /process 1 of the host node-17/);
    } finally {
      process.kill = kill;
    }
    assert.equal(owner().token, "living");
  });

  it("are taken over by one of many processes that find a dead one", () => {
    const dead = { host: hostname(), pid: 999999999, user: "anna", started: "", token: "dead" };
    acquireLock(path, "x")();
    writeFileSync(path, JSON.stringify(dead));
    // Every process holds the lock until all have tried.
    const script = `
      const { fork } = require("node:child_process");
      if (process.argv[1] !== "child") {
        const children = Array.from({ length: 6 }, () => fork("-e", [], {
          execArgv: ["-e", process.env.SOURCE, "child"], stdio: ["ignore", "ignore", "ignore", "ipc"] }));
        let taken = 0, answers = 0;
        for (const child of children) child.on("message", (got) => {
          if (got) taken++;
          if (++answers < children.length) return;
          console.log(taken);
          for (const each of children) each.kill();
        });
      } else {
        let got = true;
        try { require(${JSON.stringify(MODULE)}).acquireLock(${JSON.stringify(path)}, "x"); }
        catch { got = false; }
        process.send(got);
        setInterval(() => {}, 1000);
      }`;
    const { stdout } = spawnSync(process.execPath, ["-e", script], {
      encoding: "utf8",
      env: { ...process.env, SOURCE: script },
      timeout: 30000,
    });
    assert.equal(stdout.trim(), "1");
  });
});
