import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "#lib/engine/start";
import { classificationLoss, lossWeights } from "#lib/tasks/classification-loss";
import {
  parseConfig,
  type TrainConfig,
  type TrainSettings,
  trainConfigSchema,
} from "#lib/train/config";
import { learningRateShare } from "#lib/train/schedule";
import torch from "../fixtures/train/torch.json";

const loss = (settings: TrainSettings["loss"]) =>
  parseConfig(trainConfigSchema, { loss: settings }).loss;

describe("losses", () => {
  before(() => startEngine());

  const value = (settings: TrainSettings["loss"], weights?: readonly number[]) =>
    tf.tidy(() => {
      const logits = tf.tensor2d(torch.logits);
      const targets = tf.cast(tf.oneHot(torch.labels, 4), "float32") as tf.Tensor2D;
      const w = weights === undefined ? undefined : tf.tensor1d([...weights]);
      return classificationLoss(logits, targets, loss(settings), w).dataSync()[0];
    });

  it("are PyTorch's cross-entropies", () => {
    const { plain, smooth, weighted, weightedSmooth } = torch.losses;
    const close = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-5, `${a} for ${b}`);
    close(value({}), plain);
    close(value({ labelSmoothing: 0.1 }), smooth);
    close(value({}, torch.weights), weighted);
    close(value({ labelSmoothing: 0.1 }, torch.weights), weightedSmooth);
  });

  it("focal with γ = 0 is cross-entropy, and less for larger γ", () => {
    assert.ok(Math.abs(value({ name: "focal", gamma: 0 }) - torch.losses.plain) < 1e-5);
    assert.ok(value({ name: "focal", gamma: 2 }) < torch.losses.plain);
  });

  it("weigh rare classes more", () => {
    const labels = [0, 0, 1, 0, 2, 2];
    const weights = (config: TrainConfig["loss"]["classWeights"]) =>
      lossWeights(config, labels, [0, 1, 2, 3, 4, 5], 3);
    assert.deepEqual(weights("inverse"), Float32Array.of(2 / 3, 2, 1));
    const [a, b, c] = weights("effective") ?? [];
    assert.ok(b > c && c > a);
    assert.equal(weights("none"), undefined);
    assert.deepEqual(weights([1, 2, 3]), Float32Array.of(1, 2, 3));
    assert.throws(() => weights([1, 2]), /2 values and the data 3 classes/);
  });
});

describe("schedules", () => {
  const schedule = (settings: TrainSettings["schedule"]) =>
    parseConfig(trainConfigSchema, { schedule: settings }).schedule;
  const same = (ours: (step: number) => number, theirs: readonly number[]) => {
    for (const [step, rate] of theirs.entries())
      assert.ok(Math.abs(ours(step) - rate) < 1e-9, `step ${step}: ${ours(step)} for ${rate}`);
  };

  it("are PyTorch's", () => {
    const { onecycle, step, cosine } = torch.rates;
    same((s) => learningRateShare(schedule({ name: "onecycle" }), s, 50, 10), onecycle);
    const steps = schedule({ name: "step", stepSize: 5, gamma: 0.9 });
    same((s) => learningRateShare(steps, s, 40, 1), step);
    same((s) => learningRateShare(schedule({ name: "cosine" }), s, 40, 1), cosine);
  });

  it("warm up in a straight line", () => {
    const warm = schedule({ name: "cosine", warmup: 2 });
    const rates = [0, 1, 2, 3].map((s) => learningRateShare(warm, s, 100, 2));
    assert.ok(rates.every((rate, i) => i === 0 || rate > rates[i - 1]));
    assert.equal(learningRateShare(warm, 4, 100, 2), 1);
  });
});
