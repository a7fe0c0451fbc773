import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import type { Dataset } from "#lib/data/dataset";
import { embeddingRows } from "#lib/embed/embedding";
import { readEmbedding, writeEmbedding } from "#lib/embed/embedding-file";
import type { Predictor } from "#lib/predict/predictor";
import { temporaryFolder } from "../train/support";
import { heaps } from "./support";

describe("files of features", () => {
  const folder = temporaryFolder();
  after(() => folder.remove());
  const at = (name: string) => `${folder.path}/${name}`;
  const own = heaps({ rows: 5000, width: 6 });
  const { source } = own;
  const predictor: Pick<Predictor, "features"> = {
    features: async (_, rows = []) => embeddingRows(own, rows),
  };
  const write = (path: string, from: number, to: number, more = {}, whose = source) => {
    const rows = Array.from({ length: to - from }, (_, i) => from + i);
    return writeEmbedding(path, predictor, {} as Dataset, rows, whose, more);
  };

  for (const ending of ["parquet", "npy"]) {
    it(`come back from .${ending}, in parts and in 16 bits, with whose they are`, async () => {
      const [a, b] = [at(`a.${ending}`), at(`b.${ending}`)];
      assert.equal(await write(a, 0, 4500), 6);
      await write(b, 4500, 5000);
      const read = await readEmbedding(a, b);
      assert.deepEqual(read.ids, own.ids);
      assert.deepEqual(read.values, own.values);
      assert.deepEqual([read.source, read.width], [source, 6]);
      const half = at(`half.${ending}`);
      await write(half, 0, 100, { float16: true });
      const { values } = await readEmbedding(half);
      for (const [i, value] of values.entries()) {
        assert.ok(Math.abs(value - own.values[i]) <= 2 ** -11 * Math.abs(own.values[i]) + 1e-7);
      }
      assert.notDeepEqual(values, own.values.slice(0, 600));
    });

    it(`ending in .${ending} that do not belong together are refused`, async () => {
      const [a, b] = [at(`c.${ending}`), at(`d.${ending}`)];
      await write(a, 0, 20);
      await write(b, 10, 30);
      await assert.rejects(readEmbedding(a, b), /row 21: the id "g10" is there already, in row 11/);
      await write(b, 20, 30, {}, { ...source, weights: "beef" });
      await assert.rejects(
        readEmbedding(a, b),
        /d\.\w+ holds features of vit with the weights beef; those of .*c\.\w+ are of vit .* 00ff/,
      );
      const whole = readFileSync(a);
      writeFileSync(a, whole.subarray(0, whole.length - 40));
      await assert.rejects(
        readEmbedding(a),
        /cut off|has \d+ bytes, and 20 × 6 float32 values need/,
      );
    });
  }

  it("of another kind are refused", async () => {
    await assert.rejects(write(at("a.csv"), 0, 3), /ends in neither \.parquet nor \.npy/);
    await assert.rejects(write(at("e.npy"), 3, 3), /there are no galaxies to embed/);
    await assert.rejects(
      readEmbedding("test/fixtures/io/pandas.parquet"),
      /does not say whose features it holds/,
    );
    await assert.rejects(readEmbedding(at("nowhere.npy")), /nowhere\.json cannot be read/);
  });
});
