import assert from "node:assert/strict";
import { join } from "node:path";
import { asNumbers, asText } from "#lib/core/table";
import { openDataset } from "#lib/data/open";
import { readTruth } from "#lib/evaluate/predictions-file";

/** Made by pandas and pyarrow: tools/fixtures/data_parquet_catalog.py. */
const catalog = (name: string) => join("test/fixtures/data/parquet", `${name}.parquet`);

describe("a Parquet file of galaxies", () => {
  it("is opened as a CSV is: ids with all their digits, categories, what is missing", async () => {
    const set = await openDataset(catalog("labels"), { size: 20 });
    assert.deepEqual([set.name, set.size, set.classNames], ["labels", 7, ["edge-on", "spiral"]]);
    assert.equal(set.table.id[6], String(2n ** 62n + 6n));
    assert.deepEqual(asNumbers(set.table.label), [1, 0, -1, 1, 0, 1, 1]);
    assert.deepEqual(set.table.split, ["train", "val", "test", "train", "", "train", "test"]);
    assert.deepEqual([...set.table.ra].slice(0, 3), [10.5, Number.NaN, 359]);
    assert.match(set.notices?.[0] ?? "", /1 of 7 rows have no label/);
    assert.equal((await set.read([6, 1])).length, 2 * 1200);
  });

  it("is opened in parts, of which each reads the groups that it needs", async () => {
    const found: string[] = [];
    for (const index of [1, 2, 3]) {
      const set = await openDataset(catalog("labels"), { size: 20, shard: { index, count: 3 } });
      found.push(...asText(set.table.id));
      assert.deepEqual(asNumbers(set.table.ra).length, set.size);
    }
    assert.deepEqual(
      found.map((id) => Number(BigInt(id) - 2n ** 62n)),
      [0, 1, 2, 3, 4, 5, 6],
    );
    const tooMany = openDataset(catalog("labels"), { shard: { index: 1, count: 9 } });
    await assert.rejects(tooMany, /the part 1\/9 of 7 rows is empty/);
  });

  it("has votes where it has fractions, whatever else pandas keeps in it", async () => {
    const { votes, table } = await openDataset(catalog("votes"), { uniform: true } as object);
    assert.deepEqual(
      [table.id, votes?.answers],
      [
        ["a", "b", "c"],
        ["smooth", "bar"],
      ],
    );
    assert.deepEqual([...(votes?.fractions ?? [])], [0.25, 0.5, Number.NaN, 1, 1, 0]);
  });

  it("whose labels are no names says so; true classes are read of it, too", async () => {
    await assert.rejects(openDataset(catalog("flags")), /'label' holds boolean; expected text/);
    const { ids, labels } = await readTruth(catalog("labels"));
    assert.deepEqual([ids.length, labels[2], labels[3]], [7, "", "spiral"]);
  });
});
