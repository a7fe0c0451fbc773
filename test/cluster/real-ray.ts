/**
 * A plan on a real Ray of two nodes on this machine, with faults: `npm run test:cluster`. Ray must be
 * installed (`tuning-fork cluster setup`), or named by `RAY=/path/to/ray`.
 *
 * A unit, the submitter and a node are killed, a unit's disk is full: every other unit is then in what is
 * collected once, and no process is left.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { collectShards } from "#lib/cluster/collect-shards";
import { planStatus } from "#lib/cluster/plan-status";
import { runners } from "#lib/cluster/registry";
import { submitPlan } from "#lib/cluster/submit-plan";
import { callsOf, FAKE_UNIT, lives, submitApart, until, writeFakePlan } from "./support";

const RAY = process.env.RAY || resolve(__dirname, "..", "..", ".tuning-fork", "ray", "bin", "ray");
// Ray's sockets have short names.
const folder = mkdtempSync(join(tmpdir(), "ray-"));
const session = join(folder, "r");

const say = (text: string) => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);

/** Processes of this Ray that name its folder: not its workers, which end with their node. */
function processes(): { pid: number; command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => {
      try {
        return { pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, "utf8") };
      } catch {
        return { pid: 0, command: "" };
      }
    })
    .filter(({ command }) => command.includes(session));
}

const raylets = () =>
  processes()
    .filter(({ command }) => /\/raylet\/raylet\0/.test(command))
    .map(({ pid }) => pid);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function startNode(...args: string[]): Promise<void> {
  const own = ["--num-cpus=1", "--num-gpus=0", "--object-store-memory=80000000"];
  const env = {
    ...process.env,
    RAY_USAGE_STATS_ENABLED: "0",
    RAY_raylet_start_wait_time_s: "300",
    // A node that is gone is noticed within seconds.
    RAY_health_check_period_ms: "1000",
    RAY_health_check_failure_threshold: "3",
  };
  const ray = ["start", ...args, ...own, "--node-ip-address=127.0.0.1", "--disable-usage-stats"];
  await promisify(execFile)(RAY, ray, { env });
}

async function main(): Promise<void> {
  if (!existsSync(RAY)) throw new Error(`no Ray at ${RAY}: run npx tuning-fork cluster setup`);
  const [port, dashboard] = [await freePort(), await freePort()];
  say("starting a Ray of two nodes");
  await startNode(
    ...["--head", `--port=${port}`, `--dashboard-port=${dashboard}`],
    ...["--dashboard-host=127.0.0.1", `--temp-dir=${session}`],
  );
  const [head] = raylets();
  await startNode(`--address=127.0.0.1:${port}`);
  const second = () => raylets().filter((pid) => pid !== head);
  const address = `http://127.0.0.1:${dashboard}`;

  const names = Array.from({ length: 10 }, (_, i) => `unit-${i}`);
  const units = names.map((name) => [name, ["slow", "4000"]] as const);
  const plan = writeFakePlan(join(folder, "plan"), {
    ...Object.fromEntries(units),
    full: ["full"],
  });
  const options = { address, atOnce: 2 };
  const submitter = submitApart(plan, "ray", options);
  const calls = () => callsOf(plan);
  await until(() => calls().length >= 2, 300);
  say(`SIGKILL of the unit ${calls()[0].unit}`);
  process.kill(calls()[0].pid, "SIGKILL");
  await until(() => calls().length >= 4, 300);
  say("SIGKILL of the submitter");
  submitter.kill("SIGKILL");
  await once(submitter, "exit");

  const runner = await runners.ray.open(options);
  const told: string[] = [];
  const submitted = submitPlan(plan, runner, {
    command: FAKE_UNIT,
    retries: 3,
    onEvent({ unit, what, reason = "" }) {
      told.push(`${unit} ${what} ${reason}`);
      say(told[told.length - 1]);
    },
  });
  await until(() => calls().length >= 6, 300);
  const [victim] = second();
  say(`SIGKILL of the second node (${victim})`);
  process.kill(victim, "SIGKILL");
  await until(() => told.some((line) => line.includes("node")), 300);
  say("the second node begins anew");
  await startNode(`--address=127.0.0.1:${port}`);
  assert.deepEqual(await submitted, ["full"]);

  const status = await planStatus(plan, runner);
  assert.deepEqual(status.counts, { waiting: 0, started: 0, stopped: 0, done: 10, failed: 1 });
  assert.match(status.units.find(({ name }) => name === "full")?.log ?? "", /ENOSPC/);
  const joined = join(folder, "joined.csv");
  const done = plan.read();
  const whole = { ...done, units: done.units.filter(({ name }) => name !== "full") };
  assert.equal(await collectShards(whole, joined), 10);
  const ids = readFileSync(joined, "utf8").trim().split("\n").slice(1);
  assert.deepEqual(
    ids.map((line) => line.split(",")[0]),
    names,
  );
  assert.deepEqual(
    calls()
      .map(({ pid }) => pid)
      .filter(lives),
    [],
  );
  say(`${calls().length} calls for 10 units: each is collected once, no process is left`);
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(async () => {
    for (const { pid } of processes()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended with another one.
      }
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
  });
