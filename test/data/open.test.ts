import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { UserError } from "#lib/core/errors";
import { openGalaxy10 } from "#lib/data/galaxy10";
import { openDataset } from "#lib/data/open";
import { datasets, registerDataset } from "#lib/data/registry";

describe("data/open", () => {
  it("opens a file and a folder by path", async () => {
    const file = await openDataset("test/fixtures/data/galaxy10_chunked.h5");
    assert.equal(file.name, "galaxy10_chunked");
    const folder = await openDataset("test/fixtures/data/folder", { size: 20 });
    assert.deepEqual([folder.name, folder.imageSize], ["folder", [20, 20]]);
    await file.close();
  });

  it("crops and resizes images of a file; leaves them alone at their own size", async () => {
    const path = "test/fixtures/data/galaxy10_contiguous.h5";
    const whole = await openDataset(path);
    const cut = await openDataset(path, { crop: 4 });
    assert.deepEqual(cut.imageSize, [4, 4]);
    const [all, part] = [await whole.read([3]), await cut.read([3])];
    for (let y = 0; y < 4; y++) {
      for (let i = 0; i < 12; i++) assert.equal(part[y * 12 + i], all[(y + 2) * 18 + 3 + i]);
    }
    const same = await openDataset(path, { crop: 6, size: 6 });
    const resized = await openDataset(path, { size: 3 });
    assert.deepEqual(
      [same.imageSize, resized.imageSize],
      [
        [6, 6],
        [3, 3],
      ],
    );
    assert.equal((await resized.read([0, 1])).length, 2 * 27);
    const wide = await openDataset(path, { crop: 7 });
    assert.deepEqual(wide.notices, [
      "crop is 7, and the images have 6 × 8 pixels: the largest square in the middle is taken.",
    ]);
    assert.deepEqual([same.notices, wide.imageSize], [undefined, [6, 6]]);
    for (const set of [whole, cut, same, resized, wide]) await set.close();
  });

  it("finds a path of the project from any folder", async () => {
    const here = process.cwd();
    process.chdir(tmpdir());
    try {
      const set = await openDataset("test/fixtures/data/galaxy10_contiguous.h5");
      assert.equal(set.size, 11);
      await set.close();
    } finally {
      process.chdir(here);
    }
  });

  it("lists what there is when the SPEC is unknown", async () => {
    await assert.rejects(openDataset("galaxy11"), (error: unknown) => {
      assert.ok(error instanceof UserError);
      for (const { info } of datasets) assert.ok(error.remedy.includes(info.name));
      return /'galaxy11' is no registered data set/.test(error.problem);
    });
    await assert.rejects(openDataset("package.json"), /package.json: not a data set/);
  });

  it("opens a set that is registered from outside", async () => {
    const info = { ...datasets[0].info, name: "mine" };
    const path = "test/fixtures/data/galaxy10_contiguous.h5";
    const mine = { info, get: async () => {}, open: () => openGalaxy10(path, { name: "mine" }) };
    registerDataset(mine);
    assert.throws(() => registerDataset(mine), /There is a data set 'mine' already/);
    const set = await openDataset("mine", { dataFolder: "test/fixtures/data", size: 3 });
    assert.deepEqual([set.name, set.imageSize], ["mine", [3, 3]]);
    await set.close();
  });

  for (const { info } of datasets) {
    it(`${info.name} says what it is`, () => {
      for (const value of Object.values(info)) assert.ok(value.length > 2);
    });
  }
});
