import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import sharp from "sharp";
import { lookAtImages } from "#lib/data/image-index";

const COUNT = 200;

async function jpeg(side: number): Promise<Buffer> {
  const pixels = Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 7919) % 256);
  const raw = { width: side, height: side, channels: 3 } as const;
  return sharp(pixels, { raw }).jpeg().toBuffer();
}

describe("data/image-index", () => {
  let root = "";
  let folder = "";
  let paths: string[] = [];
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "image-index-"));
    await mkdir(join(root, "galaxies"));
    paths = Array.from({ length: COUNT }, (_, i) => join(root, "galaxies", `${i}.jpg`));
    const small = await jpeg(8);
    for (const path of paths) await writeFile(path, small);
    // The header of this one is whole, its pixels break off.
    await writeFile(paths[1], (await jpeg(300)).subarray(0, 20_000));
    await writeFile(paths[2], "no picture");
    await setTimeout(1100);
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(root, "data-"));
  });
  after(() => rm(root, { recursive: true }));

  const indexFile = async () => {
    const [name] = await readdir(join(folder, "image-index"));
    return join(folder, "image-index", name);
  };
  const kept = async () => JSON.parse(await readFile(await indexFile(), "utf8"));

  it("gives the same from the index as from the files, and keeps good files only", async () => {
    const first = await lookAtImages(paths, { folder });
    assert.deepEqual(first[0], { width: 8, height: 8, plainJpeg: true });
    assert.equal(typeof first[2], "string");
    const index = await kept();
    assert.equal(Object.keys(index).length, COUNT - 1);
    assert.deepEqual(await lookAtImages(paths, { folder }), first);
    index["0.jpg"][3] = 99;
    await writeFile(await indexFile(), JSON.stringify(index));
    const [tampered] = await lookAtImages(paths, { folder });
    assert.deepEqual(
      tampered,
      { width: 99, height: 8, plainJpeg: true },
      "the index was not asked",
    );
  });

  it("looks again at a file that was written anew, and at each when the index is damaged", async () => {
    const first = await lookAtImages(paths, { folder });
    const before = await readFile(paths[0]);
    await writeFile(paths[0], await jpeg(9));
    const [changed] = await lookAtImages(paths, { folder });
    assert.deepEqual(changed, { width: 9, height: 9, plainJpeg: true });
    assert.equal((await kept())["0.jpg"][3], 8, "what changed just now is not kept");
    await writeFile(paths[0], before);
    for (const damaged of ["{", '{"3.jpg":[1]}', '{"3.jpg":null}']) {
      await writeFile(await indexFile(), damaged);
      assert.deepEqual(await lookAtImages(paths, { folder }), first);
    }
  });

  it("does not take a header for a file that is to be decoded", async () => {
    const [, looked] = await lookAtImages(paths, { folder });
    assert.equal(typeof looked, "object");
    for (let time = 0; time < 2; time++) {
      const [whole, cut] = await lookAtImages(paths, { folder, decode: true });
      assert.equal(typeof whole, "object");
      assert.equal(typeof cut, "string");
    }
  });

  it("works where nothing can be written", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    assert.equal((await lookAtImages(paths, { folder: file })).length, COUNT);
  });
});
