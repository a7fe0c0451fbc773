import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { dropout } from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";

const SIZE = 2 ** 20;

/** Which of many values are dropped, 0 or 1. */
function mask(rate: number, seed: [number, number]): Float32Array {
  return tf.tidy(() => {
    const kept = dropout(tf.ones([SIZE]), { rate, seed: tf.tensor1d(seed, "int32") });
    return Float32Array.from(kept.dataSync(), (value) => (value === 0 ? 1 : 0));
  });
}

/** Pearson's coefficient of two masks, one of them moved. */
function correlation(a: Float32Array, b: Float32Array, rate: number, lag = 0): number {
  let sum = 0;
  for (let i = lag; i < SIZE; i++) sum += (a[i] - rate) * (b[i - lag] - rate);
  return sum / (SIZE - lag) / (rate * (1 - rate));
}

describe("dropout", () => {
  before(() => startEngine());

  for (const rate of [0.01, 0.1, 0.5, 0.9]) {
    it(`drops ${rate} of the values and keeps the mean`, () => {
      const dropped = mask(rate, [1, 2]).reduce((a, b) => a + b, 0) / SIZE;
      const deviation = Math.sqrt((rate * (1 - rate)) / SIZE);
      assert.ok(Math.abs(dropped - rate) < 4 * deviation, `${dropped}`);
      tf.tidy(() => {
        const kept = dropout(tf.ones([SIZE]), { rate, seed: tf.tensor1d([1, 2], "int32") });
        assert.ok(Math.abs(tf.max(kept).dataSync()[0] - 1 / (1 - rate)) < 1e-5);
      });
    });
  }

  it("drops neighbors, and what other seeds drop, independently", () => {
    const rate = 0.3;
    const most = 5 / Math.sqrt(SIZE);
    const first = mask(rate, [7, 1]);
    for (const lag of [1, 2, 3, 16, 256, 1000]) {
      assert.ok(Math.abs(correlation(first, first, rate, lag)) < most, `lag ${lag}`);
    }
    for (const seed of [
      [7, 2],
      [7, 3],
      [8, 1],
      [1, 7],
      [-7, 1],
      [7, -1],
      [0, 0],
    ] as const) {
      const other = mask(rate, [...seed]);
      for (const lag of [0, 1, 2]) {
        const r = correlation(first, other, rate, lag);
        assert.ok(Math.abs(r) < most, `seed ${seed}, lag ${lag}: ${r}`);
      }
    }
  });
});
