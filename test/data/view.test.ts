import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { UserError } from "#lib/core/errors";
import { type Interpolation, resizeImage } from "#lib/core/resize";
import { writeGalaxy10 } from "#lib/data/galaxy10";
import { cropResize } from "#lib/data/image-files";
import { cached } from "#lib/data/loader";
import { openDataset } from "#lib/data/open";
import { areaOf, withView } from "#lib/data/view";

const rough = "test/fixtures/data/rough.png";
const same = (a: Uint8Array, b: Uint8Array) => assert.equal(Buffer.compare(a, b), 0);
const difference = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  assert.equal(a.length, b.length);
  const off = Array.from(a, (value, i) => Math.abs(value - b[i]));
  return { most: Math.max(...off), mean: off.reduce((x, y) => x + y, 0) / off.length };
};

describe("data/view", () => {
  let expected: Record<string, number[]> = {};
  before(async () => {
    expected = JSON.parse(await readFile("test/fixtures/data/resized_expected.json", "utf8"));
  });

  it("resizes by every interpolation as Pillow does, smaller and larger", async () => {
    const whole = await openDataset(rough);
    const pixels = await whole.read([0]);
    for (const [key, wanted] of Object.entries(expected)) {
      const [interpolation, size] = key.split(" ") as [Interpolation, string];
      const view = { size: Number(size), interpolation };
      const read = await whole.read([0], view);
      same(read, await (await openDataset(rough, view)).read([0]));
      same(read, await cropResize(pixels, { width: 40, height: 40 }, view));
      // Sharp keeps its weights in 16 bits, and enlarges by a cubic kernel where Lanczos is asked for.
      const cubic = interpolation === "lanczos" && view.size > 40;
      const { most, mean } = difference(read, cubic ? expected[`bicubic ${size}`] : wanted);
      assert.ok(most <= 5 && mean < 0.5, `${key}: ${most}, ${mean}`);
      const plain = resizeImage(pixels, [40, 40], [view.size, view.size], 3, interpolation);
      assert.ok(difference(Uint8ClampedArray.from(plain), wanted).most <= 1, key);
    }
  });

  it("keeps what is symmetric symmetric when enlarging", async () => {
    const line = [10, 80, 200, 200, 80, 10];
    const pixels = Uint8Array.from({ length: 108 }, (_, i) => line[Math.floor(i / 3) % 6]);
    for (const size of [7, 12, 17]) {
      const view = { size, interpolation: "bilinear" as const };
      const large = await cropResize(pixels, { width: 6, height: 6 }, view);
      const row = Array.from({ length: size }, (_, x) => large[3 * x]);
      assert.ok(difference(row, [...row].reverse()).most <= 1, `${size}: ${row}`);
    }
  });

  it("cuts the middle, and of an odd rest the larger part below and to the right", () => {
    assert.deepEqual(areaOf({ width: 35, height: 33 }, { crop: 32 }), {
      ...{ left: 1, top: 0, width: 32, height: 32 },
    });
    assert.deepEqual(areaOf({ width: 20, height: 31 }, { crop: 40, size: 8 }), {
      ...{ left: 0, top: 5, width: 20, height: 20 },
    });
  });

  it("shows one data set in several ways", async () => {
    const folder = await mkdtemp(join(tmpdir(), "view-"));
    const path = join(folder, "set.h5");
    const images = Uint8Array.from({ length: 3 * 10 * 8 * 3 }, (_, i) => (i * 31) & 255);
    await writeGalaxy10(path, [10, 8], [{ images, labels: [0, 1, 2] }]);
    const set = await openDataset(path);
    try {
      assert.deepEqual([set.sourceSize, set.imageSize, set.view], [[10, 8], [10, 8], {}]);
      const small = withView(set, { crop: (source) => source && source[0] - 4, size: 3 });
      assert.deepEqual(
        [small.view, small.imageSize, small.sourceSize],
        [{ crop: 6, size: 3 }, [3, 3], [10, 8]],
      );
      assert.deepEqual(await small.read([2]), await set.read([2], { crop: 6, size: 3 }));
      assert.deepEqual(await small.read([1], {}), await set.read([1]));
      const kept = cached(small);
      for (let time = 0; time < 2; time++) {
        assert.deepEqual(await kept.read([2, 0]), await small.read([2, 0]));
        assert.deepEqual(await kept.read([2, 0], {}), await set.read([2, 0]));
      }
    } finally {
      await set.close();
      await rm(folder, { recursive: true });
    }
  });

  it("reads files as plain pixels are read, JPEG among them", async () => {
    const folder = await mkdtemp(join(tmpdir(), "view-"));
    const path = join(folder, "a.jpg");
    await sharp(rough).jpeg({ quality: 100 }).toFile(path);
    const set = await openDataset(path);
    for (const view of [{ crop: 20, size: 31 }, { crop: 30, size: 12 }, { size: 64 }]) {
      const pixels = await set.read([0]);
      const wanted = await cropResize(pixels, { width: 40, height: 40 }, view);
      same(await set.read([0], view), wanted);
    }
    await rm(folder, { recursive: true });
  });

  it("refuses what is no view", async () => {
    const refused = (view: object, words: RegExp) =>
      assert.rejects(
        openDataset(rough, view),
        (e: unknown) => e instanceof UserError && words.test(e.message),
      );
    await refused({ size: 0 }, /size is 0; expected a whole number of pixels, 1–10000/);
    await refused({ crop: 2.5 }, /crop is 2.5/);
    await refused({ size: 8, interpolation: "cubic" }, /'cubic'; expected nearest, bilinear/);
  });
});
