import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openGalaxy10 } from "#lib/data/galaxy10";

import { packed, packedPath } from "#lib/data/packed";
import { withView } from "#lib/data/view";

describe("data/packed", () => {
  const source = "test/fixtures/data/galaxy10_chunked.h5";
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "packed-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("reads as the data set does, is made once, and again when it is not whole", async () => {
    const path = join(folder, "a.u8");
    const plain = await openGalaxy10(source);
    assert.equal(plain.block, 4);
    const set = await packed(plain, path);
    assert.deepEqual(await set.read([10, 0, 5, 5]), await plain.read([10, 0, 5, 5]));
    assert.deepEqual([set.size, set.block], [11, undefined]);
    await assert.rejects(set.read([11]), /row 11/);
    await set.close();
    const { mtimeMs } = await stat(path);
    const again = await packed(await openGalaxy10(source), path);
    await again.close();
    assert.equal((await stat(path)).mtimeMs, mtimeMs);
    await truncate(path, 100);
    const mended = await packed(await openGalaxy10(source), path);
    assert.equal((await stat(path)).size, 11 * 144);
    await truncate(path, 100);
    await assert.rejects(mended.read([9]), /breaks off in row 9/);
    await mended.close();
  });

  it("keeps what is read differently apart", async () => {
    const paths = await Promise.all(
      [{}, { crop: 4 }, { size: 4 }].map((how) => packedPath(folder, source, how)),
    );
    assert.equal(new Set(paths).size, 3);
    const cut = await packed(withView(await openGalaxy10(source), { crop: 4 }), paths[1]);
    assert.equal((await cut.read([2])).length, 48);
    await cut.close();
  });

  it("leaves nothing half-written", async () => {
    const set = await openGalaxy10(source);
    const broken = { ...set, read: async () => Promise.reject(new Error("no")) };
    await assert.rejects(packed(broken, join(folder, "broken", "b.u8")), /^Error: no$/);
    assert.deepEqual(await readdir(join(folder, "broken")), []);
    await set.close();
  });
});
