import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import type { PlanFolder } from "#lib/cluster/plan-folder";
import { planStatus } from "#lib/cluster/plan-status";
import { runners } from "#lib/cluster/registry";
import { slurmScript } from "#lib/cluster/slurm-runner";
import { stopPlan } from "#lib/cluster/stop-plan";
import { jobOf, type SubmitOptions, submitPlan } from "#lib/cluster/submit-plan";
import { temporaryFolder } from "../train/support";
import { callsOf, FAKE_UNIT, lives, submitApart, until, writeFakePlan } from "./support";

describe("a plan on Slurm", function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const { PATH } = process.env;
  before(() => {
    const programs = join(temporary.path, "bin");
    mkdirSync(programs);
    for (const name of ["sbatch", "squeue", "scancel", "scontrol"]) {
      symlinkSync(resolve(__dirname, "fake-slurm.cjs"), join(programs, name));
    }
    process.env.PATH = `${programs}${delimiter}${PATH}`;
    process.env.FAKE_SLURM = temporary.path;
  });
  after(() => {
    process.env.PATH = PATH;
    delete process.env.FAKE_SLURM;
    temporary.remove();
  });
  const plan = (name: string, units: Parameters<typeof writeFakePlan>[1]) =>
    writeFakePlan(join(temporary.path, name), units);
  const open = (options = {}) => runners.slurm.open(options);
  const submit = async (folder: PlanFolder, options: SubmitOptions = {}) =>
    submitPlan(folder, await open(), { command: FAKE_UNIT, pollSeconds: 0.02, ...options });

  it("is done, what failed again, by jobs that say what they take", async () => {
    const folder = plan("some words", { a: ["write"], b: ["die-once"], c: ["fail"] });
    const reasons: string[] = [];
    const runner = await open({ cpus: 4, gpus: 1, sbatch: ["--partition=gpu"] });
    const failed = await submitPlan(folder, runner, {
      command: FAKE_UNIT,
      pollSeconds: 0.02,
      retries: 1,
      onEvent: ({ unit, reason }) => reason && reasons.push(`${unit} ${reason}`),
    });
    assert.deepEqual(failed, ["c"]);
    assert.match(reasons.join("\n"), /b was ended by SIGKILL/);
    assert.match(reasons.join("\n"), /c ended with code 1/);
    assert.equal(callsOf(folder).length, 5);
    const asked = readFileSync(join(temporary.path, "sbatch.txt"), "utf8");
    assert.match(asked, /--cpus-per-task=4 --gres=gpu:1 --partition=gpu --wrap/);
  });

  it("goes on when its submitter is killed, and is stopped though nobody waits for it", async () => {
    const folder = plan("killed", { a: ["slow", "2000"], b: ["slow", "60000"] });
    const submitter = submitApart(folder, "slurm");
    await until(() => callsOf(folder).length === 2);
    submitter.kill("SIGKILL");
    await once(submitter, "exit");
    await until(async () => (await planStatus(folder, await open())).counts.done === 1);
    await stopPlan(folder, await open());
    await until(() => !callsOf(folder).some(({ pid }) => lives(pid)));
    assert.equal((await planStatus(folder)).counts.stopped, 1);
  });

  it("is an array in a script, a unit an element", async () => {
    const folder = plan("it's an array", { a: ["write"], b: ["write"], c: ["write"] });
    const whole = folder.read();
    const jobs = whole.units.map((unit) => jobOf(folder, whole, unit, 1, FAKE_UNIT));
    const script = join(temporary.path, "units.sh");
    writeFileSync(script, slurmScript(jobs, { atOnce: 2, cpus: 3 }));
    assert.match(
      readFileSync(script, "utf8"),
      /^#SBATCH --array=0-2%2\n.*\n#SBATCH --cpus-per-task=3$/m,
    );
    execFileSync("sbatch", [script]);
    await until(async () => (await planStatus(folder)).counts.done === 3);
    assert.deepEqual(await submit(folder), []);
    assert.equal(callsOf(folder).length, 3);
  });

  it("is refused where no Slurm is, and where Slurm refuses it", async () => {
    const folder = plan("refused", { a: ["write"] });
    const runner = await open({ sbatch: ["--partition=none"] });
    await assert.rejects(
      submitPlan(folder, runner, { command: FAKE_UNIT }),
      /sbatch failed: .*invalid partition specified: none/,
    );
    const path = process.env.PATH;
    process.env.PATH = temporary.path;
    await assert.rejects(open(), /there is no Slurm here: the program squeue is not found/);
    // The words of 22.05 on a machine of no cluster.
    const alone = join(temporary.path, "alone");
    mkdirSync(alone);
    const words = "squeue: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host";
    writeFileSync(join(alone, "squeue"), `#!/bin/sh\necho "${words}" >&2\nexit 1\n`, {
      mode: 0o755,
    });
    process.env.PATH = `${alone}${delimiter}${path}`;
    await assert.rejects(open(), /Unknown host\n.*submit from a login node/);
    process.env.PATH = path;
  });
});
