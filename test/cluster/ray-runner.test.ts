import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { PlanFolder } from "#lib/cluster/plan-folder";
import { planStatus } from "#lib/cluster/plan-status";
import { RayJobs } from "#lib/cluster/ray-jobs";
import { runners } from "#lib/cluster/registry";
import { stopPlan } from "#lib/cluster/stop-plan";
import { type SubmitOptions, submitPlan } from "#lib/cluster/submit-plan";
import { temporaryFolder } from "../train/support";
import { FakeRay } from "./fake-ray";
import { callsOf, FAKE_UNIT, lives, submitApart, until, writeFakePlan } from "./support";

describe("a plan on Ray", function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const ray = new FakeRay();
  let address: string;
  before(async () => {
    address = await ray.open();
  });
  after(async () => {
    await ray.close();
    temporary.remove();
  });
  const plan = (name: string, units: Parameters<typeof writeFakePlan>[1]) =>
    writeFakePlan(join(temporary.path, name), units);
  const open = (options = {}) => runners.ray.open({ address, ...options });
  const submit = async (folder: PlanFolder, options: SubmitOptions = {}) =>
    submitPlan(folder, await open(), { command: FAKE_UNIT, pollSeconds: 0.02, ...options });

  it("fills the CPUs, tries again what failed, and does each unit once", async () => {
    const folder = plan("some words", { a: ["write"], b: ["die-once"], c: ["fail"], d: ["write"] });
    assert.equal((await open()).slots, 2);
    const reasons: string[] = [];
    const onEvent = ({ unit, reason }: { unit: string; reason?: string }) => {
      if (reason) reasons.push(`${unit} ${reason}`);
    };
    assert.deepEqual(await submit(folder, { retries: 1, onEvent }), ["c"]);
    assert.deepEqual(reasons.sort(), [
      "b was ended by SIGKILL, by hand or because memory ran out",
      "c ended with code 1",
      "c ended with code 1",
    ]);
    const { counts, units } = await planStatus(folder, await open());
    assert.deepEqual(counts, { waiting: 0, started: 0, stopped: 0, done: 3, failed: 1 });
    assert.match(units[2].log ?? "", /fail c/);
    assert.deepEqual(
      callsOf(folder)
        .map(({ unit }) => unit)
        .sort(),
      ["a", "b", "b", "c", "c", "d"],
    );
  });

  it("goes on when its submitter is killed: the next one waits for what runs and starts the rest", async () => {
    const units = ["a", "b", "c", "d"].map((name) => [name, ["slow", "3000"]] as const);
    const folder = plan("killed", Object.fromEntries(units));
    const submitter = submitApart(folder, "ray", { address });
    await until(() => callsOf(folder).length === 2);
    submitter.kill("SIGKILL");
    await once(submitter, "exit");
    assert.equal((await planStatus(folder, await open())).counts.started, 2);
    assert.deepEqual(await submit(folder), []);
    assert.equal(callsOf(folder).length, 4);
  });

  it("does units of a dead node again, elsewhere", async () => {
    const folder = plan("node", { a: ["slow", "2000"] });
    const reasons: string[] = [];
    const ended = submit(folder, { onEvent: ({ reason }) => reason && reasons.push(reason) });
    await until(() => callsOf(folder).length === 1);
    ray.killNode();
    assert.deepEqual(await ended, []);
    assert.match(reasons.join(), /ended with the node, .*its node has died/);
    assert.equal(callsOf(folder).length, 2);
  });

  it("is stopped though nobody waits for it", async () => {
    const folder = plan("stopped", { a: ["slow", "60000"] });
    const submitter = submitApart(folder, "ray", { address });
    await until(() => callsOf(folder).length === 1);
    submitter.kill("SIGKILL");
    await once(submitter, "exit");
    await stopPlan(folder, await open());
    const [{ pid }] = callsOf(folder);
    await until(() => !lives(pid));
    assert.equal((await planStatus(folder)).counts.stopped, 1);
  });

  it("says what a node lacks", async () => {
    const folder = plan("lacking", { a: ["write"] });
    const command = [process.execPath, join(temporary.path, "no-such-project.js")];
    await submit(folder, { command, retries: 0 });
    const [{ reason }] = (await planStatus(folder)).units;
    assert.match(reason ?? "", /a node without this project: put it at the same place/);
  });

  it("is refused where no Ray is, or too small a one", async () => {
    const server = createServer((_, response) => response.end("<html>hello</html>"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const other = `http://127.0.0.1:${port}`;
    await assert.rejects(open({ address: other }), /what answers at .* is no Ray .*hello/);
    server.close();
    await once(server, "close");
    await assert.rejects(
      open({ address: other }),
      /no Ray answers at .*ECONNREFUSED.*\n.*ray start/,
    );
    await assert.rejects(open({ address: "ray://h:10001" }), /no address of Ray's dashboard/);
    await assert.rejects(open({ cpus: 3 }), /has 2 CPU, and a unit takes 3 CPU and 0 GPU/);
    await assert.rejects(open({ gpus: 1 }), /ask for less with --cpus and --gpus/);
    await assert.rejects(
      new RayJobs(address).submit({
        submission_id: "x",
        entrypoint: 5 as never,
        entrypoint_num_cpus: 1,
        entrypoint_num_gpus: 0,
        metadata: {},
      }),
      /Ray at .* refused the job x: TypeError: entrypoint \(400\)/,
    );
  });
});
