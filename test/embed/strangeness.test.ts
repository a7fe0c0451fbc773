import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { Random } from "#lib/core/random";
import { compareStrangeness } from "#lib/embed/compare-strangeness";
import { embeddingRows } from "#lib/embed/embedding";
import { probeFeatures } from "#lib/embed/probe";
import { rankAgain, simulateRating, strangeness, strangest } from "#lib/embed/strangeness";
import { startEngine } from "#lib/engine/start";
import { isolationForest } from "#lib/evaluate/detectors/isolation-forest";
import { mahalanobis } from "#lib/evaluate/detectors/mahalanobis";
import { nearestFeatures } from "#lib/evaluate/detectors/nearest-features";
import { rankSum } from "#lib/evaluate/rank-sum";
import expected from "../fixtures/embed/scikit_learn.json";
import { heaps } from "./support";

const features = { values: expected.x, width: 5 };

describe("strange galaxies", () => {
  it("are to an isolation forest as strange as to scikit-learn's", () => {
    const scores = strangeness(features);
    const off = scores.map((score, row) => Math.abs(score - expected.forest[row]));
    assert.ok(off.reduce((a, b) => a + b) / 300 < 0.01, `${off.reduce((a, b) => a + b) / 300}`);
    assert.ok(Math.max(...off) < 0.05, `${Math.max(...off)}`);
    const aurocOf = (all: ArrayLike<number>) =>
      rankSum(Array.from(all).slice(0, 12), Array.from(all).slice(12)).auroc;
    assert.ok(Math.abs(aurocOf(scores) - aurocOf(expected.forest)) < 0.02);
    assert.ok(aurocOf(scores) > 0.95);
  });

  it("are compared with their own class where classes are given", () => {
    const some = heaps({ rows: 400, heaps: 2, spread: 0.1 });
    // A galaxy of the second class that is called one of the first.
    const labels = some.labels.map((label, row) => (row === 7 ? 1 - label : label));
    assert.deepEqual(strangest(strangeness(some, { labels }), 1), [7]);
    assert.notDeepEqual(strangest(strangeness(some), 1), [7]);
    // Classes of one galaxy say nothing of what is usual.
    const few = labels.map((label, row) => (row < 3 ? 5 + row : label));
    for (const detector of [isolationForest, nearestFeatures, mahalanobis]) {
      assert.ok(strangeness(some, { labels: few, detector }).every(Number.isFinite));
    }
    const near = strangeness(some, { labels, detector: nearestFeatures });
    assert.deepEqual(strangest(near, 1), [7]);
  });

  it("that were put there are counted, by detector and with whom they are compared", () => {
    const isOdd = expected.forest.map((_, row) => row < 12);
    const rows = compareStrangeness(features, isOdd, expected.labels, 20);
    assert.equal(rows.length, 6);
    assert.deepEqual([rows[0].detector, rows[0].within], ["isolation forest", "all"]);
    assert.deepEqual(rows[0].scores, strangeness(features));
    for (const { auroc, inTop } of rows) assert.ok(auroc > 0.8 && inTop >= 7 && inTop <= 12);
  });

  it("are ranked again by ratings: like boring ones fall, far from ratings nothing changes much", () => {
    // A far heap of artifacts, a farther one that is wanted, and many galaxies.
    const random = new Random(1);
    const kinds = Array.from({ length: 500 }, (_, i) => (i < 30 ? 1 : i < 60 ? 2 : 0));
    const values = Float32Array.from({ length: 500 * 4 }, (_, i) => {
      const kind = kinds[Math.floor(i / 4)];
      return (kind === 1 ? 6 * (i % 2) : kind === 2 ? 6 * ((i + 1) % 2) : 0) + random.normal();
    });
    const some = { values, width: 4 };
    const scores = strangeness(some);
    const wanted = (row: number) => kinds[row] === 2;
    const { rounds } = simulateRating(some, scores, wanted, { rounds: 3, perRound: 10, top: 30 });
    assert.deepEqual(
      rounds.map(({ rated }) => rated),
      [0, 10, 20, 30],
    );
    assert.ok(rounds[3].inTop >= rounds[0].inTop + 8, JSON.stringify(rounds));
    assert.deepEqual(strangest(rankAgain(some, scores, new Map()), 5), strangest(scores, 5));
    // With two ratings, by hand: score · tanh(exp(d / d̄) − 1 + artanh(0.1 + 0.85 u / 5)).
    const line = { values: [0, 1, 2], width: 1 };
    const ranked = rankAgain(line, [0, 1, 2], new Map([[0, 5]]));
    const liking = Math.atanh(0.95);
    for (const [row, d] of [0, 1, 2].entries()) {
      assert.ok(Math.abs(ranked[row] - (row / 2) * Math.tanh(Math.exp(d) - 1 + liking)) < 1e-9);
    }
    assert.throws(() => rankAgain(line, [0, 1, 2], new Map([[1, 6]])), /row 1 is rated 6/);
    assert.throws(() => rankAgain(line, [0, 1, 2], new Map([[3, 1]])), /expected one of 3 rows/);
  });
});

describe("probes of features", () => {
  before(() => startEngine());

  it("tell classes from few labels, and better from all", async () => {
    const all = heaps({ rows: 900, heaps: 3, spread: 1.1, width: 12 });
    const part = (from: number, to: number) => {
      const rows = Array.from({ length: to - from }, (_, i) => from + i);
      return { ...embeddingRows(all, rows), labels: rows.map((row) => all.labels[row]) };
    };
    const before = tf.memory().numTensors;
    const scores = await probeFeatures(part(0, 600), part(600, 900), 3);
    assert.equal(tf.memory().numTensors, before);
    assert.deepEqual(
      scores.map(({ share, labels }) => `${share} ${labels}`),
      ["0.01 6", "0.01 6", "0.05 30", "0.05 30", "0.1 60", "0.1 60", "1 600", "1 600"],
    );
    for (const method of ["linear probe", "k-NN"]) {
      const own = scores.filter((score) => score.method === method);
      assert.ok(own[3].accuracy > own[0].accuracy && own[3].accuracy > 0.8, JSON.stringify(own));
      for (const { accuracy, low, high } of own) assert.ok(low <= accuracy && accuracy <= high);
    }
    const none = { ...part(0, 9), labels: new Int32Array(9).fill(-1) };
    await assert.rejects(probeFeatures(none, part(9, 20), 3), /0 labels to learn from and 11/);
    const other = { ...part(0, 9), source: { ...all.source, weights: "beef" } };
    await assert.rejects(probeFeatures(part(0, 60), other, 3), /the weights beef/);
  });
});
