import assert from "node:assert/strict";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { embeddingRows } from "#lib/embed/embedding";
import { exactNeighbors, neighborRecall, unitVectors } from "#lib/embed/neighbors";
import { SimilarityIndex } from "#lib/embed/similarity-index";
import { startEngine } from "#lib/engine/start";
import { temporaryFolder } from "../train/support";
import { heaps } from "./support";

describe("galaxies like others", () => {
  const folder = temporaryFolder();
  after(() => folder.remove());
  before(() => startEngine());
  const all = heaps({ rows: 20_000, width: 16, heaps: 40, spread: 0.5 });
  const queries = embeddingRows(all, [5, 17_000, 19_999]);

  it("are those whose features have the largest cosines, over the borders of blocks", async () => {
    const before = tf.memory().numTensors;
    const { rows, similarity, k } = await exactNeighbors(all, queries, 7);
    assert.equal(tf.memory().numTensors, before);
    const unit = unitVectors(all);
    for (const [q, row] of [5, 17_000, 19_999].entries()) {
      const cosines = all.ids.map((_, other) => {
        let sum = 0;
        for (let f = 0; f < 16; f++) sum += unit[row * 16 + f] * unit[other * 16 + f];
        return { other, sum };
      });
      const best = cosines.sort((a, b) => b.sum - a.sum).slice(0, k);
      assert.deepEqual(
        [...rows.subarray(q * k, (q + 1) * k)],
        best.map(({ other }) => other),
      );
      for (const [i, { sum }] of best.entries()) {
        assert.ok(Math.abs(similarity[q * k + i] - sum) < 1e-5);
      }
    }
    assert.equal(rows[0], 5);
  });

  it("are found by an index, nearly all, and again after it was saved", async () => {
    const first = Array.from({ length: 3000 }, (_, i) => i);
    const some = embeddingRows(all, first);
    const asked = embeddingRows(all, first.slice(0, 200));
    const exact = await exactNeighbors(some, asked, 10);
    for (const float16 of [false, true]) {
      const index = await SimilarityIndex.build(some, { float16 });
      const found = index.search(asked, 10);
      const recall = neighborRecall(found, exact);
      assert.ok(recall > 0.95 && recall <= 1, `${recall}`);
      if (float16) continue;
      assert.ok(Math.abs(found.similarity[0] - 1) < 1e-5);
      await index.save(folder.path);
      const again = await SimilarityIndex.open(folder.path);
      assert.deepEqual(again.search(asked, 10), found);
      assert.deepEqual([again.ids, again.source], [some.ids, some.source]);
    }
    assert.ok(neighborRecall({ ...exact, rows: exact.rows.map((row) => row + 1) }, exact) < 0.2);
  });

  it("are not looked for with features of another model, or of another width", async () => {
    const index = await SimilarityIndex.build(embeddingRows(all, [0, 1, 2]));
    const other = { ...queries, source: { ...queries.source, model: "resnet18" } };
    const wide = { ...queries, width: 24, values: new Float32Array(3 * 24) };
    const refused = /the query holds features of resnet18 .*; those of the index are of vit/;
    assert.throws(() => index.search(other, 2), refused);
    assert.throws(
      () => index.search(wide, 2),
      /the query has 24 numbers a galaxy; the index has 16/,
    );
    await assert.rejects(exactNeighbors(all, other, 2), /holds features of resnet18/);
    const twice = embeddingRows(all, [3, 4, 3]);
    await assert.rejects(
      SimilarityIndex.build(twice),
      /row 3: the id "g3" is there already, in row 1/,
    );
    await assert.rejects(SimilarityIndex.build(embeddingRows(all, [])), /there are no galaxies/);
  });

  it("are not looked for in an index that is cut off, or none", async () => {
    const graph = `${folder.path}/graph.usearch`;
    const whole = readFileSync(graph);
    truncateSync(graph, 1000);
    const open = () => SimilarityIndex.open(folder.path);
    const wrong = /does not hold the graph and the 3000 ids that were written there/;
    await assert.rejects(open(), wrong);
    writeFileSync(graph, whole.fill(7, 0, 64));
    await assert.rejects(open(), wrong);
    writeFileSync(`${folder.path}/index.json`, "{}");
    await assert.rejects(open(), /index\.json describes no index/);
    await assert.rejects(SimilarityIndex.open("/nowhere"), /index\.json cannot be read/);
  });
});
