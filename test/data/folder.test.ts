import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { UserError } from "#lib/core/errors";
import { asNumbers, asText } from "#lib/core/table";
import { openFolder } from "#lib/data/folder";
import { openImageRows } from "#lib/data/image-table";
import { openDataset } from "#lib/data/open";

const fixture = "test/fixtures/data/folder";

async function refused(work: Promise<unknown>, ...words: string[]): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof UserError, String(error));
    for (const word of words) assert.ok(error.problem.includes(word), error.problem);
    return true;
  });
}

/** A JPEG whose header is whole and whose pixels break off. */
async function cutJpeg(): Promise<Buffer> {
  const pixels = Uint8Array.from({ length: 300 * 300 * 3 }, (_, i) => (i * 7919) % 256);
  const raw = { width: 300, height: 300, channels: 3 } as const;
  const whole = await sharp(pixels, { raw }).jpeg().toBuffer();
  return whole.subarray(0, whole.length / 2);
}

describe("data/folder", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "folder-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("lists class folders in order", async () => {
    const set = await openFolder(fixture);
    assert.deepEqual(set.classNames, ["edge-on", "spiral"]);
    assert.deepEqual(set.table.id, [
      "edge-on/color.png",
      "edge-on/gray.png",
      "spiral/alpha.png",
      "spiral/palette.png",
      "spiral/photo.jpg",
    ]);
    assert.deepEqual(asNumbers(set.table.label), [0, 0, 1, 1, 1]);
    assert.deepEqual([set.imageSize, set.table.split], [[40, 40], undefined]);
  });

  it("decodes, crops and resizes as Pillow does", async () => {
    const expected: Record<string, { crop24: number[]; crop24size12: number[] }> = JSON.parse(
      await readFile("test/fixtures/data/folder_expected.json", "utf8"),
    );
    const cut = await openFolder(fixture, { crop: 24 });
    const small = await openFolder(fixture, { crop: 24, size: 12 });
    assert.deepEqual(
      [cut.imageSize, small.imageSize],
      [
        [24, 24],
        [12, 12],
      ],
    );
    for (const [row, id] of asText(cut.table.id).entries()) {
      const lossless = !id.endsWith("jpg");
      const worst = (a: Uint8Array, b: number[]) => {
        assert.equal(a.length, b.length);
        return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
      };
      // Decoders of JPEG may differ by rounding; so may the arithmetic of the resampling.
      assert.ok(worst(await cut.read([row]), expected[id].crop24) <= (lossless ? 0 : 3), id);
      assert.ok(worst(await small.read([row]), expected[id].crop24size12) <= 3, id);
    }
  });

  it("reads rows in any order, repeats allowed", async () => {
    const set = await openFolder(fixture, { size: 16 });
    const bytes = 16 * 16 * 3;
    const got = await set.read([4, 0, 4]);
    assert.deepEqual(got.subarray(0, bytes), await set.read([4]));
    assert.deepEqual(got.subarray(bytes, 2 * bytes), await set.read([0]));
    assert.deepEqual(got.subarray(2 * bytes), await set.read([4]));
    await assert.rejects(set.read([5]), /row 5/);
  });

  it("takes train, valid and test folders for splits", async () => {
    for (const split of ["train", "valid", "test"]) {
      await cp(fixture, join(folder, split), { recursive: true });
    }
    const set = await openFolder(folder);
    assert.equal(set.size, 15);
    assert.deepEqual(
      ["train", "val", "test"].map((s) => asText(set.table.split).filter((x) => x === s).length),
      [5, 5, 5],
    );
    assert.equal(set.table.id[0], "test/edge-on/color.png");
  });

  it("names each bad file, and skips it only if asked", async () => {
    await cp(fixture, folder, { recursive: true });
    const at = (name: string) => join(folder, "spiral", name);
    const bad: [name: string, bytes: string | Buffer, reason: string][] = [
      ["empty.jpg", "", "empty (0 bytes)"],
      ["html.jpg", "<html></html>", "not an image"],
    ];
    for (const [name, bytes, reason] of bad) {
      await writeFile(at(name), bytes);
      await refused(openFolder(folder), at(name), reason);
      await rm(at(name));
    }
    for (const [name, bytes] of bad) await writeFile(at(name), bytes);
    await writeFile(at("cut.jpg"), await cutJpeg());
    await writeFile(at(".DS_Store"), "ignored");
    await refused(openFolder(folder), "1 more bad files");
    const set = await openFolder(folder, { skipBad: true });
    assert.equal(set.size, 5);
    assert.deepEqual(
      set.skipped?.map((row) => row.id),
      ["spiral/cut.jpg", "spiral/empty.jpg", "spiral/html.jpg"],
    );
    assert.match(set.skipped?.[0].reason ?? "", /unreadable/);
  });

  it("names a file that breaks while it is decoded", async () => {
    await cp(fixture, folder, { recursive: true });
    const path = join(folder, "spiral", "cut.jpg");
    await writeFile(path, await cutJpeg());
    const set = await openFolder(folder, { size: 32 });
    await refused(set.read([0, 1, 2, 3]), path, "unreadable");
  });

  it("refuses a huge image before decoding it", async () => {
    await mkdir(join(folder, "a"));
    const png = await sharp({ create: { width: 1, height: 1, channels: 3, background: "#123" } })
      .png()
      .toBuffer();
    // The header alone says how large it is: width and height lie at bytes 16 to 24, then a CRC.
    for (const [side, why] of [
      [30000, "100 million"],
      [5000, "which no picture has"],
    ] as const) {
      png.writeUInt32BE(side, 16);
      png.writeUInt32BE(side, 20);
      png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
      await writeFile(join(folder, "a", "huge.png"), png);
      await refused(openFolder(folder), "huge.png", `${side} × ${side}`, why);
    }
  });

  it("says what is missing", async () => {
    await refused(openFolder(join(folder, "nowhere")), "nowhere", "cannot be read as a folder");
    await refused(openFolder(folder), folder, "no images");
    await mkdir(join(folder, "spiral"));
    await refused(openFolder(folder), folder, "no images");
    await writeFile(join(folder, "spiral", "a.jpg"), "");
    await refused(openFolder(folder, { skipBad: true }), "none of its 1 files is a readable image");
  });

  it("asks for a size where images differ", async () => {
    await cp(fixture, folder, { recursive: true });
    const photo = sharp(join(folder, "spiral", "photo.jpg"));
    await photo.resize(50, 44, { fit: "fill" }).toFile(join(folder, "spiral", "wide.jpg"));
    const mixed = await openFolder(folder);
    assert.deepEqual([mixed.size, mixed.sourceSize], [6, undefined]);
    assert.equal((await mixed.read([0, 1])).length, 2 * 4800);
    await refused(mixed.read([0, 5]), "wide.jpg", "50 × 44", "40 × 40");
    assert.equal((await mixed.read([0, 5], { size: 10 })).length, 600);
    assert.deepEqual((await openFolder(folder, { crop: 40 })).imageSize, [40, 40]);
    assert.deepEqual((await openFolder(folder, { size: 20 })).imageSize, [20, 20]);
    await refused(openFolder(folder, { size: 0 }), "size is 0");
  });

  it("looks at each file before it is read where the first stood for all", async () => {
    const photo = sharp(join(fixture, "spiral", "photo.jpg"));
    const paths = [join(folder, "a.jpg"), join(folder, "b.jpg"), join(folder, "c.jpg")];
    for (const path of paths.slice(0, 2)) await photo.clone().toFile(path);
    await photo.clone().resize(60, 60).toFile(paths[2]);
    const rows = { name: "uniform", classNames: [], table: { id: ["a", "b", "c"] }, paths };
    const set = await openImageRows(rows, { uniform: true, crop: 20 });
    assert.equal((await set.read([0, 1])).length, 2 * 1200);
    await refused(set.read([0, 2]), "c.jpg: 60 × 60 pixels", "a.jpg has 40 × 40");
    await rm(paths[1]);
    assert.deepEqual(set.sourceSize, [40, 40]);
  });

  it("opens real galaxies", async function () {
    const real = "../shared/data/galaxy-zoo-5class";
    if (!existsSync(real)) return this.skip();
    const set = await openDataset(real, { crop: 224, size: 96 });
    assert.deepEqual([set.size, set.classNames.length, set.imageSize], [2290, 5, [96, 96]]);
    assert.equal((await set.read([0, 2289])).length, 2 * 96 * 96 * 3);
  });
});
