import assert from "node:assert/strict";
import { Random } from "#lib/core/random";
import { bald, kCenter, leastSure } from "#lib/evaluate/acquisition";
import type { Seen } from "#lib/evaluate/detectors/detector";
import { simulateLabeling } from "#lib/evaluate/labeling";
import {
  compareDetectors,
  outlierDetectors,
  outlierThreshold,
  thresholdCost,
} from "#lib/evaluate/outliers";
import { rankSum } from "#lib/evaluate/rank-sum";
import { retention } from "#lib/evaluate/retention";
import expected from "../fixtures/evaluate/shift.json";

const close = (a: number, b: number, by = 1e-9) =>
  assert.ok(Math.abs(a - b) <= by * Math.max(1, Math.abs(b)), `${a} for ${b}`);
const seen = (rows: readonly (readonly number[])[], labels?: number[]): Seen => {
  const features = { values: Float64Array.from(rows.flat()), width: 5 };
  return { features, logits: features, labels, strengths: rows.map(([x]) => 10 + Math.abs(x)) };
};
const known = seen(expected.first, expected.labels);
const others = seen(expected.second);

describe("detectors of strange pictures", () => {
  for (const detector of outlierDetectors) {
    const { name, needs } = detector;
    it(`score as scikit-learn and SciPy do: ${name}`, () => {
      const scores = detector.fit(known)(others);
      // It draws at random: test/embed compares it with the mean of scikit-learn's.
      if (name === "isolation forest") return;
      assert.equal(scores.length, expected.second.length);
      const reference = (expected.detectors as Record<string, number[]>)[name];
      if (name === "Dirichlet strength")
        close(scores[3], 1 / (10 + Math.abs(expected.second[3][0])));
      else for (const [i, value] of reference.entries()) close(scores[i], value, 1e-8);
      if (needs === "features") return;
      const { [needs]: _, ...less } = others;
      assert.throws(() => detector.fit(known)(less as Seen), new RegExp(`${name} needs ${needs}`));
    });
  }

  it("are compared on every kind, with those that have what they need", () => {
    const scores = compareDetectors(known, known, { others, "the same": known });
    assert.equal(scores.length, 2 * outlierDetectors.length);
    for (const { detector, outliers, auroc, fpr95 } of scores) {
      if (outliers === "the same") assert.deepEqual([detector, auroc], [detector, 0.5]);
      assert.ok(fpr95 >= 0 && fpr95 <= 1);
    }
    const { features } = known;
    const plain = compareDetectors({ features }, { features }, { others });
    assert.deepEqual(
      plain.map(({ detector }) => detector),
      ["Mahalanobis", "nearest features", "isolation forest"],
    );
    assert.throws(() => rankSum([1, Number.NaN], [2]), /some of the values to compare are NaN/);
    const column = (rows: number[][]) => rows.map(([x]) => x);
    close(rankSum(column(expected.second), column(expected.first)).auroc, expected.auroc);
  });

  it("keep the share of galaxies that was asked for, and tell what it costs", () => {
    const scores = Array.from({ length: 101 }, (_, i) => i);
    close(outlierThreshold(scores), 95);
    const cost = thresholdCost(
      2.5,
      { scores: [1, 2, 3, 4], correct: [true, true, false, true] },
      [2, 3, 4],
    );
    assert.deepEqual(cost, { lost: 0.5, found: 2 / 3, accuracy: 1, accuracyBefore: 0.75 });
  });

  it("decide what is kept first", () => {
    assert.deepEqual(retention([0.3, 0.1, 0.2, 0.4], [0, 1, 1, 0], [0.5, 1]), [
      { kept: 0.5, value: 1 },
      { kept: 1, value: 0.5 },
    ]);
  });
});

describe("what to label next", () => {
  it("by BALD is SciPy's mutual information", () => {
    const gains = bald(
      expected.members.map((member) => member.flat()),
      3,
    );
    for (const [i, value] of expected.bald.entries()) close(gains[i], value);
    assert.throws(() => bald([[0.5, 0.5]], 2), /1 sets of probabilities/);
    assert.deepEqual(leastSure([0.9, 0.1, 0.5, 0.5, 0.3, 0.7], 2), [1, 2, 0]);
  });

  it("by k-center is the farthest from all that are labeled", () => {
    const features = { values: expected.first.flat(), width: 5 };
    assert.deepEqual(
      [...kCenter(features, 6, expected.kCenter.slice(0, 2))],
      expected.kCenter.slice(2),
    );
    const line = { values: [0, 1, 2, 3, 10], width: 1 };
    assert.deepEqual([...kCenter(line, 3)], [4, 0, 3]);
    assert.equal(kCenter(line, 9).length, 5);
  });

  it("is simulated on votes: errors fall, and each galaxy is labeled once", () => {
    const random = new Random(3);
    const make = (n: number) => {
      const values = Float32Array.from({ length: 4 * n }, () => random.normal());
      const votes = Float64Array.from({ length: 2 * n }, (_, i) => {
        const p = 1 / (1 + Math.exp(-3 * values[4 * Math.floor(i / 2)]));
        return 40 * (i % 2 ? 1 - p : p);
      });
      votes.fill(0, 0, 2);
      return { features: { values, width: 4 }, votes };
    };
    const options = { start: 6, step: 10, rounds: 2, repeats: 1 };
    const curves = simulateLabeling(make(40), make(40), options);
    assert.deepEqual(Object.keys(curves), ["random", "BALD", "k-center"]);
    for (const [name, points] of Object.entries(curves)) {
      assert.deepEqual(
        points.map(({ labels }) => labels),
        [6, 16, 26],
      );
      assert.ok(points[2].value < 0.7 * points[0].value, `${name} ${JSON.stringify(points)}`);
      // All begin with the same galaxies.
      assert.equal(points[0].value, curves.random[0].value);
    }
    assert.deepEqual(
      simulateLabeling(make(60), make(9), { ...options, rounds: 20 }).BALD.at(-1)?.labels,
      59,
    );
  });
});
