import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { openFits } from "#lib/data/fits-file";
import { fitsRgb, writePicture } from "#lib/data/fits-image-file";
import { legacyRgb, luptonRgb } from "#lib/data/lupton";

const at = (name: string) => `test/fixtures/data/fits/${name}.fits`;

describe("data/fits-image", () => {
  it("draws three bands, a cube and a single image", async () => {
    const [a, b] = [(await openFits(at("f8"))).image(), (await openFits(at("i2"))).image()];
    const color = await fitsRgb([at("f8"), at("i2"), at("f8")], { flip: false, stretch: 2, Q: 5 });
    assert.deepEqual([color.width, color.height], [4, 3]);
    assert.deepEqual(color.pixels, luptonRgb(a.values, b.values, a.values, { stretch: 2, Q: 5 }));
    const gray = await fitsRgb([at("f8")], { flip: false });
    for (let i = 0; i < 12; i++) assert.equal(gray.pixels[3 * i], gray.pixels[3 * i + 2]);
    const flipped = await fitsRgb([at("f8")]);
    assert.deepEqual(flipped.pixels.subarray(0, 12), gray.pixels.subarray(24));
    assert.deepEqual(flipped.pixels.subarray(12, 24), gray.pixels.subarray(12, 24));
  });

  it("says what does not fit", async () => {
    await assert.rejects(
      fitsRgb([at("f8"), at("cube")]),
      /cube.fits: 2 × 3 × 4 pixels, but .*3 × 4/,
    );
    await assert.rejects(fitsRgb([at("cube")]), /1 files of 2 × 3 × 4/);
    await assert.rejects(fitsRgb([at("f8"), at("i2")]), /2 files of 3 × 4/);
    await assert.rejects(fitsRgb([at("f8")], { hdu: 3 }), /HDU 3 is no image/);
  });

  it("draws a cube of the Legacy Survey and writes it", async function () {
    const real = "../shared/data/fits/decals_grz_example_b.fits";
    if (!existsSync(real)) return this.skip();
    const { values } = (await openFits(real)).image();
    const [g, r, z] = [0, 1, 2].map((i) => values.subarray(i * 424 ** 2, (i + 1) * 424 ** 2));
    const picture = await fitsRgb([real], { flip: false });
    assert.deepEqual(picture.pixels, legacyRgb(g, r, z));
    const folder = await mkdtemp(join(tmpdir(), "picture-"));
    await writePicture(join(folder, "b.png"), picture);
    const read = await sharp(join(folder, "b.png")).raw().toBuffer();
    assert.deepEqual(new Uint8Array(read), picture.pixels);
    await assert.rejects(writePicture(join(folder, "b.xyz"), picture), /cannot be written/);
    await rm(folder, { recursive: true });
  });
});
