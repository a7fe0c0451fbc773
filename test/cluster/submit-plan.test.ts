import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PlanFolder } from "#lib/cluster/plan-folder";
import { planStatus } from "#lib/cluster/plan-status";
import { runners } from "#lib/cluster/registry";
import { stopPlan } from "#lib/cluster/stop-plan";
import { type SubmitOptions, submitPlan } from "#lib/cluster/submit-plan";
import { acquireLock } from "#lib/io/lock";
import { temporaryFolder } from "../train/support";
import { callsOf, FAKE_UNIT, lives, submitApart, until, writeFakePlan } from "./support";

describe("a plan on this machine", function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  after(() => temporary.remove());
  const plan = (name: string, units: Parameters<typeof writeFakePlan>[1]) =>
    writeFakePlan(join(temporary.path, name), units);
  const submit = async (folder: PlanFolder, options: SubmitOptions = {}, atOnce = 2) =>
    submitPlan(folder, await runners.local.open({ atOnce }), {
      command: FAKE_UNIT,
      pollSeconds: 0.02,
      ...options,
    });

  it("is done once: a second submit starts nothing, one after a part was lost only that", async () => {
    const folder = plan("once", { a: ["write"], b: ["write"], c: ["write"] });
    const told: string[] = [];
    assert.deepEqual(
      await submit(folder, { onEvent: (e) => told.push(`${e.what} ${e.done}/${e.total}`) }),
      [],
    );
    assert.equal(told.filter((line) => line.startsWith("started")).length, 3);
    assert.equal(told.at(-1), "done 3/3");
    await submit(folder);
    assert.equal(callsOf(folder).length, 3);
    const { units } = folder.read();
    rmSync(units[0].output);
    writeFileSync(units[1].output, "id,val");
    assert.equal((await planStatus(folder)).counts.done, 1);
    await submit(folder);
    assert.deepEqual(
      callsOf(folder)
        .slice(3)
        .map(({ unit }) => unit)
        .sort(),
      ["a", "b"],
    );
    assert.ok((await planStatus(folder)).units.every((unit) => (unit.peakMemory ?? 0) > 1e7));
    // Only what is the same keeps what was noted about it.
    const { units: same } = folder.read();
    folder.write({ ...folder.read(), units: [{ ...same[0], key: "other" }, ...same.slice(1)] });
    assert.equal((await planStatus(folder)).counts.waiting, 1);
  });

  it("tries again what failed, to a limit, says why, and goes on with the others", async () => {
    const folder = plan("failing", { a: ["fail"], b: ["die-once"], c: ["full"], d: ["write"] });
    const told: string[] = [];
    const onEvent = ({
      unit,
      what,
      reason = "",
    }: {
      unit: string;
      what: string;
      reason?: string;
    }) => told.push(`${unit} ${what} ${reason}`);
    assert.deepEqual((await submit(folder, { onEvent, retries: 1 })).sort(), ["a", "c"]);
    assert.ok(told.some((line) => line.startsWith("b again was ended by SIGKILL")));
    const { counts, units } = await planStatus(folder);
    assert.deepEqual(counts, { waiting: 0, started: 0, stopped: 0, done: 2, failed: 2 });
    assert.deepEqual(
      units.map(({ attempts }) => attempts),
      [2, 2, 2, 1],
    );
    assert.match(units[0].log ?? "", /fail a\nfail a/);
    assert.match(units[2].log ?? "", /ENOSPC/);
    // A new submit tries what failed, and nothing else.
    const before = callsOf(folder).length;
    await submit(folder, { retries: 0 });
    assert.equal(callsOf(folder).length, before + 2);
  });

  it("whose submitter was killed leaves no process behind, and a new submit does the rest", async () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const folder = plan("killed", {
      ...Object.fromEntries(names.map((name) => [name, ["slow", "60000"] as const])),
      a: ["write"],
    });
    const submitter = submitApart(folder, "local");
    await until(() => callsOf(folder).length === 3);
    await assert.rejects(submit(folder), /is at work on the plan in .*killed/);
    submitter.kill("SIGKILL");
    await once(submitter, "exit");
    const pids = callsOf(folder).map(({ pid }) => pid);
    await until(() => !pids.some(lives));
    const { units, ...rest } = folder.read();
    const args = units.map((unit) => [unit.args[0], unit.args[1], "1"]);
    folder.write({ ...rest, units: units.map((unit, i) => ({ ...unit, args: args[i] })) });
    assert.deepEqual(await submit(folder), []);
    const after = callsOf(folder).slice(3);
    assert.deepEqual(after.map(({ unit }) => unit).sort(), ["b", "c", "d", "e", "f"]);
  });

  it("is stopped from outside and by its signal, and goes on afterwards", async () => {
    const folder = plan("stopped", { a: ["slow", "60000"], b: ["slow", "60000"] });
    const ended = submit(folder);
    const refused = assert.rejects(ended, /was stopped\n.*submit it again/);
    await until(() => callsOf(folder).length === 2);
    await stopPlan(folder, await runners.local.open({}));
    await refused;
    const controller = new AbortController();
    const interrupted = assert.rejects(submit(folder, { signal: controller.signal }), /enough/);
    await until(() => callsOf(folder).length === 4);
    controller.abort(new Error("enough"));
    await interrupted;
    assert.ok(
      !callsOf(folder)
        .map(({ pid }) => pid)
        .some(lives),
    );
    assert.ok(!existsSync(folder.stopPath) && !existsSync(folder.lockPath));
    const { counts } = await planStatus(folder);
    assert.deepEqual(counts, { waiting: 0, started: 0, stopped: 2, done: 0, failed: 0 });
  });

  it("is refused to a node that does not see it, or has another version", async () => {
    const folder = plan("version", { a: ["write"] });
    folder.write({ ...folder.read(), version: "0.0.9" });
    assert.deepEqual(await submit(folder, { retries: 0 }), ["a"]);
    assert.match(
      readFileSync(folder.logPath("a"), "utf8"),
      /the machine .* has tuning-fork .*, and the plan was made by 0\.0\.9/,
    );
    const elsewhere = { command: [...FAKE_UNIT, join(temporary.path, "nowhere")] };
    await submit(folder, { retries: 0, ...elsewhere });
    assert.match(readFileSync(folder.logPath("a"), "utf8"), /does not see the plan's folder/);
  });

  it("that is another kind is not overwritten, and one at which somebody is not either", async () => {
    const folder = plan("kind", { a: ["write"] });
    const { units } = folder.read();
    const make = () => ({ kind: "ablation", settings: {}, units });
    await assert.rejects(submit(folder, { make }), /a plan of another kind: shards, not ablation/);
    const release = acquireLock(folder.lockPath, "x");
    let made = false;
    const tell = () => {
      made = true;
      return { kind: "shards", settings: {}, units };
    };
    await assert.rejects(submit(folder, { make: tell }), /already at work/);
    assert.ok(!made);
    release();
  });
});
