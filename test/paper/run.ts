/**
 * Two steps of every network of the notebooks as their profile `paper` has it, at full size, on data of the
 * right shape: `npm run test:paper [WORD …]`, where a word is part of a name. Each runs in a process of
 * its own. Where memory runs short, it is tried again with half of the batch, and that is said.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parameterCount } from "#lib/models/model-summary";
import { Experiment } from "#lib/train/experiment";
import { RunFolder } from "#lib/train/run-folder";
import { dataLike } from "./data";
import { galaxiesFor, inTwoSteps, paperExperiments } from "./experiments";

/** Memory that is left to others, KiB. */
const LEAST_FREE = 2.5e6;
const ONE = "--one";

interface Outcome {
  readonly parameters: number;
  readonly seconds: number;
  readonly firstSeconds: number;
  readonly loss: number;
}

/** In a process of its own. */
async function runOne(name: string, batchSize: number): Promise<void> {
  const found = paperExperiments().find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  const folder = mkdtempSync(join(tmpdir(), "paper-"));
  try {
    const config = inTwoSteps(found.config, batchSize);
    const count = galaxiesFor(batchSize);
    const like = await dataLike(config.data.spec, count, join(folder, "data"));
    const data = { ...config.data, ...like };
    const experiment = new Experiment({ ...config, data }, new RunFolder(join(folder, "run")));
    const times = [performance.now()];
    const model = await experiment.model();
    const parameters = parameterCount(model);
    const { history } = await experiment.train({
      onData: () => {},
      onStep: () => times.push(performance.now()),
    });
    await experiment.evaluate();
    const steps = times.slice(1);
    if (steps.length !== 2) throw new Error(`${steps.length} steps were done`);
    const loss = history.trainLoss?.[0] ?? Number.NaN;
    if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
    const outcome: Outcome = {
      parameters,
      loss,
      firstSeconds: (steps[0] - times[0]) / 1000,
      seconds: (steps[1] - steps[0]) / 1000,
    };
    process.send?.(outcome);
    await experiment.dispose();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const status = (path: string, key: string) =>
  Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(readFileSync(path, "utf8"))?.[1] ?? 0);

/** @returns what it said, the most memory it had (GiB), and whether it was ended for want of more */
async function inProcess(name: string, batchSize: number) {
  const child = spawn(
    process.execPath,
    ["--require", "tsx/cjs", __filename, ONE, name, String(batchSize)],
    { stdio: ["ignore", "ignore", "pipe", "ipc"] },
  );
  let outcome: Outcome | undefined;
  let [said, peak, short] = ["", 0, false];
  child.on("message", (message) => {
    outcome = message as Outcome;
  });
  child.stderr?.on("data", (text) => {
    said = `${said}${text}`.slice(-2000);
  });
  const watch = setInterval(() => {
    try {
      peak = Math.max(peak, status(`/proc/${child.pid}/status`, "VmHWM") / 2 ** 20);
      if (status("/proc/meminfo", "MemAvailable") > LEAST_FREE) return;
      short = true;
      child.kill("SIGKILL");
    } catch {} // it has ended
  }, 100);
  const code = await new Promise((done) => child.once("close", done));
  clearInterval(watch);
  return { outcome, peak, short, said, code };
}

async function main(words: readonly string[]): Promise<void> {
  const asked = paperExperiments().filter(
    ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
  );
  console.log(`${cpus()[0].model}, ${cpus().length} threads; Node ${process.version}`);
  console.log(
    "| Training | Network | Pixels | Batch | Parameters | First step, s | Second, s | Memory, GiB |",
  );
  console.log("|---|---|--:|--:|--:|--:|--:|--:|");
  let failed = 0;
  for (const { name, config } of asked) {
    let batchSize = config.train.batchSize;
    let run = await inProcess(name, batchSize);
    while (run.short && batchSize > 2) {
      batchSize /= 2;
      run = await inProcess(name, batchSize);
    }
    const { outcome, peak, said, code } = run;
    if (code !== 0 || outcome === undefined) {
      failed++;
      console.log(`✗ ${name}: ended with ${code}\n${said}`);
      continue;
    }
    const of = batchSize === config.train.batchSize ? "" : ` of ${config.train.batchSize}`;
    const cells = [
      ...[name, config.model.name, config.data.size ?? "own", `${batchSize}${of}`],
      `${(outcome.parameters / 1e6).toFixed(1)} M`,
      ...[outcome.firstSeconds, outcome.seconds, peak].map((value) => value.toFixed(1)),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
  console.log(`${asked.length - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

const [first, name, batch] = process.argv.slice(2);
if (first === ONE) void runOne(name, Number(batch));
else void main(process.argv.slice(2));
