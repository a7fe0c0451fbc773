import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import {
  copyFile,
  mkdtemp,
  readdir,
  readFile,
  rm,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "#lib/core/errors";
import { asNumbers } from "#lib/core/table";
import { openGalaxy10, writeGalaxy10 } from "#lib/data/galaxy10";
import { Hdf5File } from "#lib/data/hdf5";
import { Hdf5Writer } from "#lib/data/hdf5-writer";

const fixtures = "test/fixtures/data";
const pixel = (i: number, y: number, x: number, c: number) =>
  (37 * i + 11 * y + 5 * x + 101 * c) % 256;

function expected(rows: readonly number[]): number[] {
  const out: number[] = [];
  for (const i of rows) {
    for (let y = 0; y < 8; y++)
      for (let x = 0; x < 6; x++) for (let c = 0; c < 3; c++) out.push(pixel(i, y, x, c));
  }
  return out;
}

async function refused(work: Promise<unknown>, ...words: (string | RegExp)[]): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof UserError, String(error));
    for (const word of words) assert.match(error.problem, new RegExp(word));
    return true;
  });
}

describe("data/galaxy10", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "galaxy10-"));
  });
  after(() => rm(folder, { recursive: true }));

  for (const name of ["galaxy10_chunked", "galaxy10_contiguous"]) {
    it(`reads ${name}.h5 of h5py in any order`, async () => {
      const set = await openGalaxy10(`${fixtures}/${name}.h5`);
      assert.deepEqual([set.name, set.size, set.imageSize], [name, 11, [8, 6]]);
      assert.deepEqual(asNumbers(set.table.label), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]);
      for (const rows of [[0], [10, 0, 5], [3, 3, 4, 5, 1], [...Array(11).keys()], []]) {
        assert.deepEqual(Array.from(await set.read(rows)), expected(rows));
      }
      await assert.rejects(set.read([11]), /row 11 .* 11 rows/);
      await assert.rejects(set.read([-1]), /row -1/);
      await set.close();
      await assert.rejects(set.read([0]), /closed/);
    });
  }

  it("reads the catalog columns that are there", async () => {
    const set = await openGalaxy10(`${fixtures}/galaxy10_chunked.h5`);
    assert.deepEqual(Object.keys(set.table), ["id", "label", "ra", "redshift"]);
    assert.equal(set.table.ra[10], 350);
    assert.ok(Math.abs(Number(set.table.redshift[0]) - 0.01) < 1e-8);
    await set.close();
  });

  it("writes what it reads, compressed or not, in batches", async () => {
    for (const gzip of [0, 4]) {
      const path = join(folder, `written${gzip}.h5`);
      const batches = [[0, 1, 2], [3], [4, 5, 6, 7]].map((rows) => ({
        images: Uint8Array.from(expected(rows)),
        labels: rows,
      }));
      const ra = Float64Array.from({ length: 8 }, (_, i) => i / 3);
      await writeGalaxy10(path, [8, 6], batches, { ra }, { gzip });
      const set = await openGalaxy10(path);
      assert.deepEqual(Array.from(await set.read([7, 2, 3])), expected([7, 2, 3]));
      assert.deepEqual(asNumbers(set.table.label), [0, 1, 2, 3, 4, 5, 6, 7]);
      assert.deepEqual(set.table.ra, ra);
      await set.close();
    }
  });

  it("leaves nothing behind when writing fails half-way", async () => {
    function* broken() {
      yield { images: Uint8Array.from(expected([0])), labels: [0] };
      throw new Error("no more");
    }
    const before = await readdir(folder);
    await assert.rejects(writeGalaxy10(join(folder, "half.h5"), [8, 6], broken()), /no more/);
    assert.deepEqual(await readdir(folder), before);
  });

  it("removes what a killed run has left, and nothing younger", async () => {
    const old = join(folder, "mended.h5.0badcafe.partial");
    const young = join(folder, "mended.h5.12345678.partial");
    await writeFile(old, "x");
    await writeFile(young, "x");
    await utimes(old, 0, 0);
    await writeGalaxy10(
      join(folder, "mended.h5"),
      [8, 6],
      [{ images: Uint8Array.from(expected([0])), labels: [0] }],
    );
    const left = (await readdir(folder)).filter((name) => name.startsWith("mended"));
    assert.deepEqual(left.sort(), ["mended.h5", "mended.h5.12345678.partial"]);
  });

  it("names file, key, what was found and what was expected", async () => {
    const at = (name: string) => join(folder, name);
    await refused(openGalaxy10(at("missing.h5")), "missing.h5: no such file");
    await refused(openGalaxy10(folder), "is not a file");
    await writeFile(at("text.h5"), "<html>Not found</html>");
    await refused(openGalaxy10(at("text.h5")), "text.h5: not an HDF5 file");
    await writeFile(at("empty.h5"), "");
    await refused(openGalaxy10(at("empty.h5")), "truncated", "empty");
    await copyFile(`${fixtures}/galaxy10_contiguous.h5`, at("cut.h5"));
    const { length } = await readFile(at("cut.h5"));
    await truncate(at("cut.h5"), 2000);
    await refused(openGalaxy10(at("cut.h5")), "cut.h5: truncated", `2000 of ${length} bytes`);

    const write = async (
      name: string,
      parts: Record<string, [Uint8Array | Float32Array, number[]]>,
    ) => {
      const writer = await Hdf5Writer.create(at(name));
      for (const [key, [data, shape]] of Object.entries(parts)) writer.write(key, data, shape);
      await writer.finish();
      return openGalaxy10(at(name));
    };
    const images: [Uint8Array, number[]] = [new Uint8Array(2 * 4 * 4 * 3), [2, 4, 4, 3]];
    const ans: [Uint8Array, number[]] = [Uint8Array.of(0, 9), [2]];
    await refused(
      write("a.h5", { images: [new Uint8Array(0), [2, 0, 0, 3]], ans }),
      "pixels in each",
    );
    await refused(write("b.h5", { ans }), "no dataset 'images'; the file has ans");
    await refused(
      write("c.h5", { ans, images: [new Uint8Array(96), [2, 3, 4, 4]] }),
      "'images' is uint8 \\[2, 3, 4, 4\\]; expected uint8 \\[galaxies, height, width, 3\\]",
    );
    await refused(
      write("d.h5", { ans, images: [new Float32Array(96), [2, 4, 4, 3]] }),
      "'images' is float32",
    );
    await refused(write("e.h5", { images, ans: [new Float32Array(2), [2]] }), "'ans' is float32");
    await refused(
      write("f.h5", { images, ans: [new Uint8Array(3), [3]] }),
      "3 labels for 2 images",
    );
    await refused(
      write("g.h5", { images, ans: [Uint8Array.of(1, 10), [2]] }),
      "'ans' row 1 is 10; expected 0–9",
    );
    await refused(
      write("h.h5", { images, ans, ra: [new Float32Array(3), [3]] }),
      "'ra' is float32 \\[3\\]",
    );
  });

  it("finds damage inside a file of the right length", async () => {
    const bytes = await readFile(`${fixtures}/galaxy10_chunked.h5`);
    // The gzip streams lie behind the headers; overwrite the tail of the file's first half.
    bytes.fill(0x55, 4096, 5400);
    const path = join(folder, "damaged.h5");
    await writeFile(path, bytes);
    await refused(
      (async () => {
        const set = await openGalaxy10(path);
        await set.read([...Array(11).keys()]);
      })(),
      "damaged.h5",
    );
  });

  const real = "../shared/data/galaxy10";
  it("opens the real Galaxy10 samples", async function () {
    if (!existsSync(real)) return this.skip();
    const decals = await openGalaxy10(`${real}/galaxy10_decals_60.h5`);
    assert.deepEqual([decals.size, decals.imageSize], [60, [256, 256]]);
    assert.equal(decals.classNames[3], "In-between Round Smooth");
    const sdss = await openGalaxy10(`${real}/galaxy10_sdss_30.h5`);
    assert.deepEqual([sdss.size, sdss.imageSize], [30, [69, 69]]);
    assert.equal(sdss.classNames[1], "Smooth, Completely Round");
    const whole = await decals.read([...Array(60).keys()]);
    const one = await decals.read([59]);
    assert.deepEqual(one, whole.subarray(59 * 256 * 256 * 3));
    await decals.close();
    await sdss.close();
  });

  it("holds only what is asked for", async () => {
    const file = await Hdf5File.open(`${fixtures}/galaxy10_chunked.h5`);
    assert.deepEqual(file.info("images"), {
      shape: [11, 8, 6, 3],
      dtype: "uint8",
      chunks: [4, 4, 6, 1],
      compressed: true,
    });
    file.close();
  });
});
