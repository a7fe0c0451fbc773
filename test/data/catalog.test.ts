import assert from "node:assert/strict";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "#lib/core/errors";
import { asNumbers } from "#lib/core/table";
import { openDataset } from "#lib/data/open";

describe("data/catalog", () => {
  let folder = "";
  let path = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "catalog-"));
    path = join(folder, "mine.csv");
    await cp("test/fixtures/data/folder", folder, { recursive: true });
  });
  after(() => rm(folder, { recursive: true }));
  const refused = async (text: string, words: RegExp) => {
    await writeFile(path, text);
    await assert.rejects(
      openDataset(path),
      (e: unknown) => e instanceof UserError && words.test(e.problem),
    );
  };

  it("opens a part of its rows, numbered as in the file", async () => {
    const lines = [
      "id,path,label",
      "",
      ...[1, 2, 3, 4, 5].map((n) => `n${n},edge-on/gray.png,c${n}`),
    ];
    await writeFile(path, `${lines.join("\n")}\n`);
    const ids = async (index: number, count: number) => {
      const set = await openDataset(path, { shard: { index, count } });
      return [...set.table.id, ...set.classNames];
    };
    assert.deepEqual(await ids(1, 2), ["n1", "n2", "c1", "c2"]);
    assert.deepEqual(await ids(2, 2), ["n3", "n4", "n5", "c3", "c4", "c5"]);
    await assert.rejects(ids(1, 6), /the part 1\/6 of 5 rows is empty/);
    await writeFile(path, `${lines.slice(0, -1).join("\n")}\nn4,edge-on/gray.png,c5\n`);
    await assert.rejects(ids(2, 2), /row 7: the id "n4" is there already, in row 6/);
    await assert.rejects(
      openDataset("synthetic", { shard: { index: 1, count: 2 } }),
      /shard can have no effect/,
    );
  });

  it("opens id,path,label", async () => {
    await writeFile(
      path,
      "id,path,label,split,ra,note\nn1,spiral/photo.jpg,spiral,train,10.5,x\nn2,edge-on/gray.png,edge-on,test,,y\n",
    );
    const set = await openDataset(path, { size: 20 });
    assert.deepEqual(
      [set.name, set.classNames, set.imageSize],
      ["mine", ["edge-on", "spiral"], [20, 20]],
    );
    assert.deepEqual(asNumbers(set.table.label), [1, 0]);
    assert.deepEqual(set.table.split, ["train", "test"]);
    assert.deepEqual(set.table.ra, Float64Array.of(10.5, Number.NaN));
    assert.equal((await set.read([1, 0])).length, 2 * 1200);
  });

  it("sorts numbers as numbers", async () => {
    await writeFile(path, "id,path,label\na,spiral/photo.jpg,10\nb,spiral/alpha.png,9\n");
    assert.deepEqual((await openDataset(path)).classNames, ["9", "10"]);
  });

  it("opens vote fractions", async () => {
    await writeFile(
      path,
      "id,path,smooth,bar\na,spiral/photo.jpg,0.25,\nb,spiral/alpha.png,1,0.5\n",
    );
    const { votes, classNames } = await openDataset(path);
    assert.deepEqual([classNames, votes?.answers], [[], ["smooth", "bar"]]);
    assert.deepEqual(votes?.fractions, Float64Array.of(0.25, Number.NaN, 1, 0.5));
  });

  it("names what is wrong, and skips bad images only if asked", async () => {
    await refused(
      "id,path,label\na,spiral/photo.jpg,s\na,spiral/alpha.png,s\n",
      /row 3: the id "a" is there already, in row 2/,
    );
    await refused("id,path,label\na,spiral/none.jpg,s\n", /none.jpg: no such file/);
    await refused("id,path,smooth,disk\na,spiral/photo.jpg,0.5,3\n", /row 2: disk is 3/);
    await refused("id,label\na,s\n", /no column 'path'/);
    await writeFile(path, "id,path,smooth\na,spiral/none.jpg,0.5\nb,spiral/alpha.png,1\n");
    const set = await openDataset(path, { skipBad: true });
    assert.deepEqual([set.size, set.skipped], [1, [{ id: "a", reason: "no such file" }]]);
    assert.deepEqual(set.votes?.fractions, Float64Array.of(1));
  });
});
