import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeGalaxy10 } from "#lib/data/galaxy10";
import { Hdf5Writer } from "#lib/data/hdf5-writer";
import { openDataset } from "#lib/data/open";

describe("data/open of compressed files", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pack-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("leaves images alone that are compressed one by one, and plain ones", async () => {
    const images = Uint8Array.from({ length: 8 * 20 * 20 * 3 }, (_, i) => i & 255);
    for (const gzip of [0, 3]) {
      const path = join(folder, `one${gzip}.h5`);
      await writeGalaxy10(
        path,
        [20, 20],
        [{ images, labels: [0, 1, 2, 3, 4, 5, 6, 7] }],
        {},
        { gzip },
      );
      const set = await openDataset(path, { dataFolder: folder });
      assert.equal(set.block, gzip > 0 ? 1 : undefined);
      assert.deepEqual(await set.read([7]), images.slice(7 * 1200));
      await set.close();
    }
    assert.ok(!(await readdir(folder)).includes("packed"));
  });

  it("packs images that are compressed together, once", async () => {
    const path = join(folder, "together.h5");
    const images = Uint8Array.from({ length: 40 * 200 * 200 * 3 }, (_, i) => (i * 7) & 255);
    const writer = await Hdf5Writer.create(path);
    writer.write("images", images, [40, 200, 200, 3], { chunks: [16, 50, 50, 3], gzip: 1 });
    writer.write("ans", new Uint8Array(40));
    await writer.finish();
    for (let time = 0; time < 2; time++) {
      let done = 0;
      const set = await openDataset(path, { dataFolder: folder, onProgress: (n) => (done = n) });
      assert.deepEqual(
        await set.read([39, 3]),
        Uint8Array.from([...images.slice(39 * 120000), ...images.slice(3 * 120000, 4 * 120000)]),
      );
      assert.equal(done, time === 0 ? 40 : 0);
      await set.close();
    }
    assert.equal((await readdir(join(folder, "packed"))).length, 2);
  });
});
