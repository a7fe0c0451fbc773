import assert from "node:assert/strict";
import { parseConfig, type TrainSettings, trainConfigSchema } from "#lib/train/config";
import { learningRateFactor } from "#lib/train/schedule";
import torch from "../fixtures/train/torch.json";

describe("schedules", () => {
  const schedule = (settings: TrainSettings["schedule"]) =>
    parseConfig(trainConfigSchema, { schedule: settings }).schedule;
  const same = (ours: (step: number) => number, theirs: readonly number[]) => {
    for (const [step, rate] of theirs.entries())
      assert.ok(Math.abs(ours(step) - rate) < 1e-9, `step ${step}: ${ours(step)} for ${rate}`);
  };

  it("are PyTorch's", () => {
    const { onecycle, step, cosine } = torch.rates;
    same((s) => learningRateFactor(schedule({ name: "onecycle" }), s, 50, 10), onecycle);
    const steps = schedule({ name: "step", stepSize: 5, gamma: 0.9 });
    same((s) => learningRateFactor(steps, s, 40, 1), step);
    same((s) => learningRateFactor(schedule({ name: "cosine" }), s, 40, 1), cosine);
  });

  it("warm up in a straight line", () => {
    const warm = schedule({ name: "cosine", warmupEpochs: 2 });
    const rates = [0, 1, 2, 3].map((s) => learningRateFactor(warm, s, 100, 2));
    assert.ok(rates.every((rate, i) => i === 0 || rate > rates[i - 1]));
    assert.equal(learningRateFactor(warm, 4, 100, 2), 1);
  });
});
