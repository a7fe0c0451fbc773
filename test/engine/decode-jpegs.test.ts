import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import sharp from "sharp";
import { Random } from "#lib/core/random";
import { decodeImages, type ImageShape, probeImage } from "#lib/data/image-files";
import { decodeJpegs } from "#lib/engine/decode-jpegs";
import { startEngine } from "#lib/engine/start";

describe("JPEG files decoded together", () => {
  let folder: string;
  before(async () => {
    await startEngine();
    folder = mkdtempSync(join(tmpdir(), "tuning-fork-test-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  async function write(name: string, width: number, height: number, options = {}) {
    const random = new Random(width * height, name);
    const small = {
      width: Math.ceil(width / 4),
      height: Math.ceil(height / 4),
      channels: 3 as const,
    };
    const noise = Uint8Array.from({ length: small.width * small.height * 3 }, () =>
      random.integer(256),
    );
    const path = join(folder, name);
    await sharp(noise, { raw: small })
      .resize(width, height, { fit: "fill", kernel: "cubic" })
      .jpeg({ quality: 90, ...options })
      .toFile(path);
    return path;
  }

  async function shapeOf(path: string): Promise<ImageShape> {
    const shape = await probeImage(path);
    assert.ok(typeof shape === "object");
    return shape;
  }

  it("have the pixels that sharp gives, whatever the area", async () => {
    const size = fc.integer({ min: 1, max: 70 });
    const options = fc.record({
      progressive: fc.boolean(),
      chromaSubsampling: fc.constantFrom("4:2:0", "4:4:4"),
    });
    await fc.assert(
      fc.asyncProperty(size, size, options, fc.nat(), fc.nat(), async (w, h, how, x, y) => {
        const path = await write("a.jpg", w, h, how);
        const [left, top] = [x % w, y % h];
        const area = { left, top, width: 1 + (y % (w - left)), height: 1 + (x % (h - top)) };
        const [got] = decodeJpegs([path], [{ width: w, height: h }], [area]) ?? [];
        assert.deepEqual(Buffer.from(got), await sharp(path).extract(area).raw().toBuffer());
      }),
      { numRuns: 60 },
    );
  });

  it("come in order, more of them than are decoded at once, and leave no tensor", async () => {
    const paths = [await write("b.jpg", 40, 30), await write("c.jpg", 40, 30)];
    const many = Array.from({ length: 37 }, (_, i) => paths[i % 3 === 0 ? 0 : 1]);
    const before = tf.memory().numTensors;
    const got = await decodeImages(many, await Promise.all(many.map(shapeOf)), { crop: 20 });
    assert.equal(tf.memory().numTensors, before);
    for (const [i, path] of many.entries()) {
      const area = { left: 10, top: 5, width: 20, height: 20 };
      assert.deepEqual(Buffer.from(got[i]), await sharp(path).extract(area).raw().toBuffer());
    }
  });

  it("are brought to a size as single files are", async () => {
    const path = await write("d.jpg", 64, 64);
    const shape = await shapeOf(path);
    const view = { crop: 48, size: 20 };
    const [got] = await decodeImages([path], [shape], view);
    const [alone] = await decodeImages([path], [{ ...shape, plainJpeg: false }], view);
    assert.deepEqual(Buffer.from(got), Buffer.from(alone));
  });

  it("are left to sharp when they are no plain RGB", async () => {
    const path = await write("e.jpg", 16, 16);
    assert.equal((await shapeOf(path)).plainJpeg, true);
    for (const [name, other] of Object.entries({
      "profile.jpg": sharp(path).withMetadata({ icc: "p3" }),
      "cmyk.jpg": sharp(path).toColorspace("cmyk"),
      "gray.jpg": sharp(path).toColorspace("b-w"),
      "lossless.png": sharp(path).png(),
    })) {
      await other.toFile(join(folder, name));
      assert.equal((await shapeOf(join(folder, name))).plainJpeg, false, name);
    }
  });

  it("name the file that is cut off", async () => {
    const whole = await write("f.jpg", 60, 60);
    const cut = join(folder, "cut.jpg");
    const bytes = readFileSync(whole);
    writeFileSync(cut, bytes.subarray(0, bytes.length / 2));
    const shape = await shapeOf(whole);
    await assert.rejects(decodeImages([whole, cut], [shape, shape], {}), /cut\.jpg: unreadable/);
    await assert.rejects(decodeImages([`${whole}x`], [shape], {}), /f\.jpgx: /);
  });
});
