/**
 * `npm run soak -- [--minutes 20]`: train, interrupt, resume, evaluate and predict in a loop, in one process.
 *
 * Every cycle must give the bytes of the first, undisturbed one, and memory must stay flat: tensors and open files
 * exactly, resident memory by its slope over the second half.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import { Random } from "#lib/core/random";
import { openDataset } from "#lib/data/open";
import { makeSynthetic } from "#lib/data/synthetic";
import { startEngine } from "#lib/engine/start";
import { predict } from "#lib/predict/network-predictor";
import { everyRow } from "#lib/predict/predictor";
import { openExperiment } from "#lib/train/open-experiment";
import { temporaryFolder } from "../train/support";

interface Sample {
  /** Since the loop began. */
  readonly seconds: number;
  /** Resident memory, bytes. */
  readonly rss: number;
}

/** Bytes a second, by least squares. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [t, m] = [mean(samples.map((s) => s.seconds)), mean(samples.map((s) => s.rss))];
  const covariance = samples.reduce((sum, s) => sum + (s.seconds - t) * (s.rss - m), 0);
  return covariance / samples.reduce((sum, s) => sum + (s.seconds - t) ** 2, 0);
}

async function main(minutes: number): Promise<void> {
  await startEngine();
  const folder = temporaryFolder();
  const run = join(folder.path, "run");
  const spec = await makeSynthetic(join(folder.path, "data"), { count: 200, size: 32, seed: 3 });
  const experiment = openExperiment(
    {
      data: { spec },
      model: { name: "test_custom_cnn" },
      train: { epochs: 3, batchSize: 16, ema: 0.9, log: { tensorboard: false } },
    },
    { run },
  );
  const random = new Random(1, "soak");

  /** One run of the experiment, stopped so many times on its way; its results as text. */
  const cycle = async (stops: number): Promise<string> => {
    for (let stop = 0; stop <= stops; stop++) {
      const control = new AbortController();
      let left = stop < stops ? 1 + random.integer(9) : Number.POSITIVE_INFINITY;
      const training = experiment.train({
        ifExists: stop === 0 ? "restart" : "resume",
        signal: control.signal,
        onStep: () => {
          if (--left === 0) control.abort(new Error("stopped by the soak"));
        },
      });
      await training.catch((error: unknown) => {
        if (!/stopped by the soak/.test(String(error))) throw error;
      });
    }
    await experiment.evaluate();
    const dataset = await openDataset(spec, {});
    const { task } = await experiment.data();
    const table = await predict(await experiment.model(), task, dataset, everyRow(dataset));
    const text = task.formatTable(table);
    await dataset.close();
    await experiment.dispose();
    const files = ["history.csv", "predictions.csv"].map((name) =>
      readFileSync(join(run, name), "utf8"),
    );
    return [...files, text].join("\n");
  };

  const whole = await cycle(0);
  await cycle(3);
  const state = () => ({
    tensors: tf.memory().numTensors,
    files: readdirSync("/proc/self/fd").length,
  });
  const before = state();
  const samples: Sample[] = [];
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  let [cycles, shown] = [0, 0];
  for (; elapsed() < minutes * 60; cycles++) {
    assert.equal(await cycle(random.integer(4)), whole, `cycle ${cycles} gave other results`);
    assert.deepEqual(state(), before, "tensors and open files");
    samples.push({ seconds: elapsed(), rss: process.memoryUsage.rss() });
    if (elapsed() < shown) continue;
    shown = elapsed() + 60;
    const megabytes = samples[samples.length - 1].rss / 1e6;
    console.log(`${elapsed().toFixed(0)} s, ${cycles + 1} cycles, ${megabytes.toFixed(0)} MB`);
  }
  const half = samples.filter(({ seconds }) => seconds > (minutes * 60) / 2);
  assert.ok(half.length > 2, `${cycles} cycles are too few to say anything: give more --minutes`);
  const perHour = (slopeOf(half) * 3600) / 1e6;
  const [first, last] = [samples[0].rss, samples[samples.length - 1].rss].map((rss) => rss / 1e6);
  console.log(
    `${cycles} cycles of equal results; ${before.tensors} tensors and ${before.files} open files throughout; ` +
      `resident memory ${first.toFixed(0)} → ${last.toFixed(0)} MB, ${perHour.toFixed(1)} MB an hour over the second half`,
  );
  folder.remove();
  assert.ok(perHour * (minutes / 120) < 30, "resident memory grows");
}

const { values } = parseArgs({ options: { minutes: { type: "string", default: "20" } } });
void main(Number(values.minutes));
