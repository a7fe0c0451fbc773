import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { asNumbers, asText } from "#lib/core/table";
import { clusterTable, kMeans } from "#lib/embed/k-means";
import { principalComponents } from "#lib/embed/principal-components";
import { umap } from "#lib/embed/umap";
import { startEngine } from "#lib/engine/start";
import expected from "../fixtures/embed/scikit_learn.json";
import { heaps } from "./support";

const close = (found: ArrayLike<number>, wanted: readonly number[], by: number) => {
  for (const [i, value] of wanted.entries()) {
    assert.ok(Math.abs(found[i] - value) < by, `${i}: ${found[i]} for ${value}`);
  }
};
const features = { values: expected.x, width: 5 };

describe("maps of galaxies", () => {
  before(() => startEngine());

  it("by principal components are those of scikit-learn", () => {
    const { values, directions, explained, width } = principalComponents(features, 3);
    assert.equal(width, 3);
    close(directions, expected.components, 1e-7);
    close(explained, expected.explained, 1e-8);
    close(values, expected.projected, 1e-5);
  });

  it("by UMAP keep heaps apart, each time the same, and leave no tensor", async () => {
    const some = heaps({ rows: 240 });
    const before = tf.memory().numTensors;
    const map = await umap(some, { epochs: 100 });
    assert.equal(tf.memory().numTensors, before);
    assert.deepEqual(await umap(some, { epochs: 100 }), map);
    const nearestIsAlike = some.ids.filter((_, row) => {
      const away = some.ids.map((_, other) =>
        other === row
          ? Number.POSITIVE_INFINITY
          : (map[2 * row] - map[2 * other]) ** 2 + (map[2 * row + 1] - map[2 * other + 1]) ** 2,
      );
      return some.labels[away.indexOf(Math.min(...away))] === some.labels[row];
    });
    assert.ok(nearestIsAlike.length > 235, `${nearestIsAlike.length}`);
    await assert.rejects(umap(heaps({ rows: 9 })), /a map of 9 galaxies with 15 neighbors/);
  });
});

describe("clusters", () => {
  it("around means are those of scikit-learn from the same first centers", () => {
    const { labels, inertia } = kMeans(features, 3, { centers: expected.first });
    assert.deepEqual([...labels], expected.labels);
    assert.ok(Math.abs(inertia - expected.inertia) < 1e-6 * inertia);
  });

  it("are found from drawn centers too, each time the same", () => {
    const some = heaps({ rows: 300, spread: 0.1 });
    const clusters = kMeans(some, 3);
    const { labels } = clusters;
    const pairs = new Set(some.labels.map((label, row) => `${label} ${labels[row]}`));
    assert.equal(pairs.size, 3);
    assert.deepEqual(kMeans(some, 3).labels, labels);
    const classes = some.labels.map((label, row) => (row === 3 ? -1 : row === 6 ? 1 : label));
    const table = clusterTable(clusters, some.width, classes, ["a", "b", "c"]);
    assert.deepEqual(asNumbers(table.galaxies), [100, 100, 100]);
    assert.deepEqual(asText(table["commonest class"]).sort(), ["a", "b", "c"]);
    assert.deepEqual(asNumbers(table.share).sort(), [98 / 99, 1, 1]);
    assert.throws(() => kMeans(heaps({ rows: 2 }), 3), /2 galaxies do not make 3 clusters/);
  });
});
