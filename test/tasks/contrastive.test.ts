import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { isUsingGpu } from "#lib/engine/native";
import { startEngine } from "#lib/engine/start";
import { createTask, taskFromDescription } from "#lib/tasks/registry";
import torch from "../fixtures/train/torch.json";
import { experimentFolder } from "../train/experiment-folder";
import { tinyDataset } from "../train/support";

const task = () => createTask(tinyDataset(), { task: "contrastive" });

describe("the task contrastive", () => {
  before(() => startEngine());

  it("has PyTorch's loss of normalized, temperature-scaled cross-entropy", () => {
    for (const [temperature, expected] of Object.entries(torch.ntXent)) {
      const loss = { name: "ntXent", temperature: Number(temperature) };
      const made = createTask(tinyDataset(), { task: "contrastive", loss });
      const learned = made.createLoss({ dataset: tinyDataset(), rows: [0] });
      const [value] = tf.tidy(() =>
        learned(tf.tensor2d(torch.views), tf.zeros([4, 1]) as tf.Tensor2D).dataSync(),
      );
      assert.ok(Math.abs(value - expected) < 1e-5, `${value} for ${expected}`);
    }
  });

  it("counts the galaxies whose two views found each other", () => {
    // The first two galaxies' views lie together, the third's apart.
    const views = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [2, 0.1, 0],
      [0.1, 2, 0],
      [0, 1, -0.1],
    ];
    const found = tf.tidy(() => {
      return task().trainingScore.sum(tf.tensor2d(views), tf.zeros([3, 1]) as tf.Tensor2D);
    });
    assert.equal(found.dataSync()[0], 2);
    found.dispose();
  });

  it("is for those who name it, needs no labels, and splits as a classifier does", () => {
    const dataset = tinyDataset();
    assert.equal(createTask(dataset).description.task, "classification");
    const { label: _, ...table } = dataset.table;
    const unlabeled = { ...dataset, classNames: [], table };
    const { of } = createTask(unlabeled, { task: "contrastive" }).strata(unlabeled);
    assert.deepEqual([...new Set(of)], [0]);
    assert.throws(() => createTask(unlabeled), /neither labels nor votes/);
    const strata = task().strata(dataset).of;
    assert.deepEqual([...strata], [...createTask(dataset).strata(dataset).of]);
  });

  it("measures how the projections lie", () => {
    const dataset = tinyDataset(4);
    const made = task();
    const width = made.outputs.length;
    const at = (places: readonly number[]) => {
      const answers = new Float64Array(4 * width);
      for (const [row, place] of places.entries()) answers[row * width + place] = 1;
      return made.metrics(made.table(dataset, [0, 1, 2, 3], answers));
    };
    // Labels alternate: each class at a place of its own, or all galaxies at one.
    assert.equal(at([0, 1, 0, 1]).neighborAccuracy, 1);
    assert.equal(at([0, 0, 0, 0]).uniformity, 0);
    // Of twelve ordered pairs four lie at d = 0 and eight at d² = 2.
    const spread = Math.log((4 + 8 * Math.exp(-4)) / 12);
    assert.ok(Math.abs(Number(at([0, 1, 0, 1]).uniformity) - spread) < 1e-9);
    const broken = new Float64Array(4 * width);
    broken[width] = Number.NaN;
    assert.throws(() => made.table(dataset, [0, 1, 2, 3], broken), /g1 in tiny is NaN/);
  });

  it("gives tables that are read again, unit vectors", () => {
    const made = taskFromDescription(JSON.parse(JSON.stringify(task().description)));
    const width = made.outputs.length;
    const raw = Float64Array.from({ length: 2 * width }, (_, i) => Math.sin(i));
    const table = made.table(tinyDataset(), [0, 1], made.normalize(raw));
    const again = made.parseTable(made.formatTable(table), "a.csv");
    assert.deepEqual(made.answers(again), made.answers(table));
    const length = Math.hypot(...made.answers(table).subarray(width));
    assert.ok(Math.abs(length - 1) < 1e-12);
  });
});

describe("a run of the task contrastive", function () {
  this.timeout(60_000);
  const { at, open, losses, interrupt, contentOf } = experimentFolder();
  // The shade is all that tells these squares apart.
  const contrastive = ["task=contrastive", "train.augmentation=none", "train.epochs=6"];

  it("learns, goes on to the bit where it was stopped, and is what a classifier starts from", async () => {
    const seen = await losses(open(contrastive, "whole"));
    const mean = (of: readonly number[]) => of.reduce((a, b) => a + b, 0) / of.length;
    assert.ok(mean(seen.slice(-4)) < mean(seen.slice(0, 4)), `${seen}`);

    await interrupt(open(contrastive, "stopped"), 9);
    await open(contrastive, "stopped").train();
    // A GPU adds in an order that changes, and which pairs are found may hang on the last digit.
    if (!isUsingGpu())
      assert.equal(
        contentOf("stopped")["history.csv"],
        contentOf("whole")["history.csv"],
        "resumed to the bit",
      );

    const whole = open(contrastive, "whole");
    const metrics = new Map<string, unknown>(Object.entries((await whole.evaluate()).metrics));
    assert.ok(Number(metrics.get("uniformity")) < 0, `${metrics.get("uniformity")}`);
    assert.ok(Number(metrics.get("neighborAccuracy")) >= 0);

    const fresh = await losses(open([], "fresh"));
    const started = await losses(open([`model.weights=${at("whole")}`], "started"));
    assert.notEqual(started[0], fresh[0]);
    assert.equal(started.length, fresh.length);
  });

  it("compares whole views: nothing is mixed", async () => {
    const mixing = open(["task=contrastive", "train.augmentation.mixup=0.2"]);
    await assert.rejects(mixing.train(), /mixes images, and the task compares views/);
  });
});
