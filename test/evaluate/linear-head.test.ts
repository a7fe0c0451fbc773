import assert from "node:assert/strict";
import { Random } from "#lib/core/random";
import { oneHot, trainHead } from "#lib/evaluate/linear-head";

describe("a linear head", () => {
  it("is the same by sums of few rows as by features", () => {
    const [rows, width, answers] = [20, 50, 3];
    const random = new Random(1);
    const features = Float32Array.from({ length: rows * width }, () => random.uniform());
    const labels = Array.from({ length: rows }, (_, row) => (row === 4 ? -1 : row % answers));
    const few = trainHead(features, oneHot(labels, answers), answers);
    // Each row thrice is the same question, and too many rows for sums of them.
    const thrice = Float32Array.from({ length: 3 * features.length }, (_, i) => {
      return features[i % features.length];
    });
    const many = trainHead(thrice, oneHot([...labels, ...labels, ...labels], answers), answers);
    for (const name of ["weight", "bias"] as const) {
      few[name].forEach((value, i) => {
        assert.ok(Math.abs(value - many[name][i]) < 1e-5, `${name} ${i}: ${value}`);
      });
    }
    assert.ok(Math.max(...few.weight.map(Math.abs)) > 0.1);
  });
});
