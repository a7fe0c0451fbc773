import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEngine } from "#lib/engine/start";
import { createModel } from "#lib/models/registry";
import { showAblation } from "#lib/notebook/ablate";
import { exportFigures } from "#lib/notebook/figure-files";
import { umap } from "#lib/notebook/galaxy-map";
import { accuracyUnderShift, embed, predict, seenPictures } from "#lib/notebook/networks";
import { progress, withProgress } from "#lib/notebook/progress";
import { showTraining } from "#lib/notebook/training";
import { trainingCurves } from "#lib/plots/training-curves";
import type { PassOptions } from "#lib/predict/answers";
import type { ControlledShift } from "#lib/predict/controlled-shift";
import { createTask } from "#lib/tasks/registry";
import { tinyDataset } from "../train/support";

/** What is told of three rows, two at a time. */
const IN_THREE: [number, number][] = [
  [2, 3],
  [3, 3],
];

/** What is written to a log meanwhile, line by line. */
async function linesOf(work: () => unknown): Promise<string[]> {
  const { write } = process.stderr;
  const tty = process.stderr.isTTY;
  let text = "";
  process.stderr.isTTY = false;
  process.stderr.write = (chunk: string | Uint8Array) => {
    text += chunk;
    return true;
  };
  try {
    await work();
  } finally {
    Object.assign(process.stderr, { write, isTTY: tty });
  }
  return text.trimEnd().split("\n");
}

describe("a progress bar", () => {
  const step = { epoch: 4, epochs: 20, means: { loss: 1 }, learningRate: 0.1 };

  it("ends at 100 % where early stopping ends the training, and says so", async () => {
    const lines = await linesOf(() => {
      const shown = showTraining();
      shown.onStep?.({ ...step, done: 400, total: 2000 });
      shown.finish();
    });
    assert.match(lines.at(-1) ?? "", /^training 100 %.* stopped early: nothing got better$/);
  });

  it("of a training that was interrupted ends where it stands", async () => {
    const lines = await linesOf(() => {
      const shown = showTraining();
      shown.onStep?.({ ...step, done: 400, total: 2000 });
      shown.finish("stopped; run it again to go on");
    });
    assert.match(lines.at(-1) ?? "", /^training 20 %.* stopped; run it again to go on$/);
  });

  it("counts each of several files by its own length", async () => {
    const lines = await linesOf(() =>
      withProgress("downloading", async (onProgress) => {
        for (const total of [5000, 1000])
          for (const part of [0.5, 1]) onProgress(part * total, total);
      }),
    );
    assert.match(lines.at(-1) ?? "", /^downloading 100 %/);
  });

  it("forgets how fast the file before came", async () => {
    const { now } = performance;
    let time = 0;
    performance.now = () => time;
    try {
      const lines = await linesOf(() => {
        const bar = progress(2000, "downloading", { unit: "bytes" });
        for (const [at, done] of [
          [10_000, 1000],
          [20_000, 2000],
          [20_100, 0],
          [30_100, 20],
        ]) {
          time = at;
          bar.update(done, undefined, 2000);
        }
      });
      assert.match(lines.at(-2) ?? "", /^downloading 100 %.* 100 bytes\/s/);
      assert.match(lines.at(-1) ?? "", /^downloading 1 %.* 2\.0 bytes\/s/);
    } finally {
      performance.now = now;
    }
  });

  it("of an ablation tells how long all that is left takes, whatever was finished before", async () => {
    const { now } = performance;
    let time = 0;
    performance.now = () => time;
    try {
      const lines = await linesOf(() => {
        const { error } = console;
        console.error = () => {};
        const shown = showAblation(5);
        const begin = (index: number, state: "new" | "finished" | "changed") =>
          shown.onTraining({ name: `${index}`, index, total: 5, state, differences: [] });
        begin(0, "finished");
        begin(1, "new");
        for (const seconds of [10, 50, 100]) {
          time = 1000 * seconds;
          shown.onStep({ ...step, done: 20 * seconds, total: 2000 });
        }
        begin(2, "finished");
        begin(3, "changed");
        time = 200_000;
        shown.onStep({ ...step, done: 500, total: 1000 });
        shown.onFailure("3", new Error("no more memory"));
        begin(4, "new");
        shown.finish();
        console.error = error;
      });
      // Three to do: the first took 100 s, half of the second another 100 s.
      assert.match(lines.at(-2) ?? "", /^ablation 50 % · 3 min 2\d s left/);
      assert.match(lines.at(-1) ?? "", /^ablation 100 %/);
    } finally {
      performance.now = now;
    }
  });

  it("shows how far figures are on their way to files", async function () {
    this.timeout(60_000);
    const folder = mkdtempSync(join(tmpdir(), "figures-"));
    try {
      const figures = Object.fromEntries(
        ["a", "b"].map((name) => [
          join(folder, name),
          trainingCurves({ epoch: [1], trainLoss: [2] }),
        ]),
      );
      const told: [number, number][] = [];
      const onProgress = (done: number, total: number) => told.push([done, total]);
      const lines = await linesOf(async () => {
        await exportFigures(figures, { formats: ["svg"], onProgress });
        await exportFigures(figures, { formats: ["svg"] });
      });
      assert.deepEqual(
        told,
        [0, 1, 2].map((done) => [done, 2]),
      );
      const pages = await linesOf(() => exportFigures(figures, { formats: ["html"] }));
      assert.match(pages.at(-1) ?? "", /^drawing 100 %/);
      assert.match(lines[0], /^drawing 0 %/);
      assert.match(lines.at(-1) ?? "", /^drawing 100 % · .*figures\/s/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("shows how far a map of galaxies is", async function () {
    this.timeout(60_000);
    await startEngine();
    const ids = Array.from({ length: 20 }, (_, i) => `${i}`);
    const values = Float32Array.from({ length: 40 }, (_, i) => 1 + Math.sin(i));
    const source = { model: "m", weights: "w", data: "d" };
    const lines = await linesOf(() => umap({ ids, values, width: 2, source }, { epochs: 20 }));
    assert.match(lines[0], /^mapping 0 %/);
    assert.match(lines.at(-1) ?? "", /^mapping 100 % · .*rounds\/s/);
  });

  it("shows how far a network is with galaxies, over all of its sets and steps", async function () {
    this.timeout(60_000);
    await startEngine();
    const dataset = tinyDataset(20, 32);
    const task = createTask(dataset);
    const model = createModel("test_custom_cnn", { numClasses: 2, inputSize: [32, 32] });
    const rows = [3, 4, 8];
    const shift: ControlledShift = {
      from: { pixelScale: 1, seeing: 1, stretch: "linear" },
      steps: [0, -1],
      to: (depth) => ({ depth }),
    };
    const works: [string, [number, number][], (options: PassOptions) => Promise<unknown>][] = [
      ["embedding", IN_THREE, (options) => embed(model, task, dataset, rows, options)],
      ["predicting", IN_THREE, (options) => predict(model, task, dataset, rows, options)],
      [
        "looking",
        [...IN_THREE.map(([done]): [number, number] => [done, 5]), [5, 5]],
        (options) =>
          seenPictures(model, task, { three: [dataset, rows], two: [dataset, [0, 1]] }, options),
      ],
      [
        "predicting",
        [2, 3, 5, 6].map((done) => [done, 6]),
        (options) => accuracyUnderShift(model, task, dataset, rows, shift, options),
      ],
    ];
    for (const [label, expected, work] of works) {
      const lines = await linesOf(() => work({ batchSize: 2 }));
      assert.match(lines.at(-1) ?? "", new RegExp(`^${label} 100 %.* images/s`));
      const told: [number, number][] = [];
      await work({ batchSize: 2, onProgress: (...state) => told.push(state) });
      assert.deepEqual(told, expected, label);
    }
    model.dispose();
  });

  it("ends with the work that fails, on a line of its own", async () => {
    const lines = await linesOf(() =>
      assert.rejects(
        withProgress("writing", async (onProgress) => {
          onProgress(1, 4);
          throw new Error("the disk is full");
        }),
        /the disk is full/,
      ),
    );
    assert.match(lines.at(-1) ?? "", /^writing 25 %.* stopped$/);
  });
});
