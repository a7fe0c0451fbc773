import assert from "node:assert/strict";
import { Hdf5File } from "#lib/data/hdf5";
import { openDataset } from "#lib/data/open";

const file = (name: string) => `test/fixtures/data/hdf5-filters/${name}.h5`;

describe("data/hdf5: filters that are plug-ins", () => {
  for (const name of ["lzf", "lz4", "zstd", "bzip2", "blosc", "blosc2", "bitshuffle"]) {
    it(`reads ${name}`, async () => {
      const set = await openDataset(file(name));
      const pixels = await set.read([3]);
      await set.close();
      const pixel = (y: number, x: number, c: number) => (37 * 3 + 11 * y + 5 * x + 101 * c) % 256;
      const expected = Uint8Array.from({ length: 8 * 6 * 3 }, (_, i) =>
        pixel(Math.floor(i / 18), Math.floor(i / 3) % 6, i % 3),
      );
      assert.deepEqual(pixels, expected);
    });
  }

  it("reads zfp, and names what it has no program for, without calling the file damaged", async () => {
    const zfp = await Hdf5File.open(file("zfp"));
    const values = zfp.numbers("redshift");
    zfp.close();
    assert.ok(values.every((value, i) => Math.abs(value - i / 4095) < 1e-6));
    const sperr = await Hdf5File.open(file("sperr"));
    assert.throws(
      () => sperr.numbers("redshift"),
      (e: Error) =>
        /packed by sperr \(filter 32028\), which is not read here/.test(e.message) &&
        !/damaged/.test(e.message),
    );
    sperr.close();
  });

  it("reads columns of float16, of either byte order", async () => {
    const half = await Hdf5File.open(file("lzf"));
    assert.equal(half.info("dec").dtype, "float16");
    assert.deepEqual(half.numbers("dec"), Float32Array.of(0.5, -1.25, 60000, Number.NaN));
    const ra = half.numbers("ra");
    half.close();
    assert.deepEqual(ra.subarray(0, 3), Float32Array.of(0.5, 1.25, 90));
    assert.ok(Math.abs(ra[3] - 1e-7) < 3e-8);
  });
});
