import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { UserError } from "#lib/core/errors";
import { findDuplicates } from "#lib/data/duplicates";
import { openFits } from "#lib/data/fits-file";
import { fitsRgb } from "#lib/data/fits-image-file";
import { openDataset } from "#lib/data/open";
import { startEngine } from "#lib/engine/start";

const data = (name: string) => `test/fixtures/cases/data/${name}`;
const hostile = (name: string) => `test/fixtures/cases/hostile/${name}`;

const refused = (work: Promise<unknown>, words: RegExp) =>
  assert.rejects(work, (e: unknown) => e instanceof UserError && words.test(e.message));

describe("files as people have them", () => {
  it("FITS: 64-bit ids with nulls stay exact", async () => {
    const { objid } = (await openFits(data("masked_id.fits"))).table();
    assert.deepEqual(objid, ["587722981736579088", "587722981741363294", "", "587722981746082020"]);
  });

  it("FITS: of two columns of one name both are there", async () => {
    const { dup, dup_2 } = (await openFits(data("duplicate_column.fits"))).table();
    assert.deepEqual([dup, dup_2], [Int32Array.of(1, 2, 3), Int32Array.of(4, 5, 6)]);
  });

  it("FITS: a table of no rows is one", async () => {
    const table = (await openFits(data("empty_table.fits"))).table();
    assert.deepEqual([Object.keys(table), table.ra.length], [["objid", "ra"], 0]);
  });

  it("FITS: the first image may be in an extension", async () => {
    const { width, height } = await fitsRgb([data("mef_empty_primary.fits")]);
    assert.deepEqual([width, height], [64, 48]);
    await refused(fitsRgb([data("mef_empty_primary.fits")], { hdu: 0 }), /HDU 0 is no image/);
  });

  it("FITS: an image that is compressed in tiles is read", async () => {
    for (const hdu of [undefined, 1]) {
      const { width, height } = await fitsRgb([data("rice.fits.fz")], { hdu });
      assert.deepEqual([width, height], [64, 48]);
    }
  });

  it("FITS: absurd sizes are refused at once", async () => {
    const start = performance.now();
    await refused(openFits(hostile("fits-naxis-1e8.fits")), /header of HDU 0 is damaged/);
    assert.ok(performance.now() - start < 1000);
    const file = await openFits(hostile("fits-invalid-length.fits"));
    assert.deepEqual(file.image().shape, [10, 12]);
  });

  it("FITS: what unpacks beyond measure, and rows of a million numbers, are refused at once", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hostile-"));
    const cards = (...all: string[]) =>
      Buffer.from(
        [...all, "END"]
          .map((card) => card.padEnd(80))
          .join("")
          .padEnd(2880),
      );
    const primary = cards("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0");
    const table = cards(
      ...["XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 1000000"],
      ...["NAXIS2  = 0", "PCOUNT  = 0", "GCOUNT  = 1", "TFIELDS = 1", "TFORM1  = '1000000B'"],
    );
    await writeFile(join(folder, "wide.fits"), Buffer.concat([primary, table]));
    const zeros = Buffer.concat([primary, Buffer.alloc(200e6)]);
    await writeFile(join(folder, "bomb.fits.gz"), gzipSync(zeros, { level: 1 }));
    const start = performance.now();
    await refused(openFits(join(folder, "bomb.fits.gz")), /unpack to more than 134217728/);
    const wide = await openFits(join(folder, "wide.fits"));
    assert.throws(() => wide.table(), /1000000 numbers, more than the 20000 columns allowed/);
    wide.close();
    for (const n of [-1, 1e8]) {
      const image = [
        "SIMPLE  = T",
        "BITPIX  = 8",
        "NAXIS   = 2",
        `NAXIS1  = ${n}`,
        `NAXIS2  = ${n}`,
      ];
      await writeFile(join(folder, "n.fits"), cards(...image));
      await refused(openFits(join(folder, "n.fits")), /damaged|truncated/);
    }
    assert.ok(performance.now() - start < 5000);
    await rm(folder, { recursive: true });
  });

  it("HDF5: each fault is one sentence, and no file is called damaged that is not", async () => {
    await refused(
      openDataset(hostile("h5-softloop.h5")),
      /'images' cannot be opened: too many links/,
    );
    await refused(openDataset(hostile("h5-0size.h5")), /\[3, 0, 0, 3\]; expected pixels/);
    await refused(openDataset(hostile("h5-damaged-group.h5")), /truncated HDF5 file/);
    const claims = "test/fixtures/data/hdf5-filters/claims.h5";
    await refused(openDataset(claims), /'images' claims 12288000000000 bytes, in a file of/);
    const lzf = await openDataset(data("lzf_images.h5"));
    assert.ok((await lzf.read([0])).some((value) => value > 0));
    await lzf.close();
  });

  it("JPEG: both decoders give the same answer", async () => {
    const path = hostile("jpeg-sharp_refuses_native_accepts.jpg");
    const set = await openDataset(path);
    const alone = await set.read([0]);
    await startEngine();
    assert.equal(Buffer.compare(await set.read([0]), alone), 0);
    assert.equal((await openDataset(path, { skipBad: true })).size, 1);
  });

  it("duplicates: hundreds of equal pictures are one object", async () => {
    const set = await openDataset(data("blank_cutouts.h5"));
    const { pairs, groups } = await findDuplicates(set);
    assert.deepEqual([pairs.length, new Set(groups).size], [599, 1]);
    await set.close();
  });

  it("duplicates: equal files are found without reading the images", async () => {
    const folder = await mkdtemp(join(tmpdir(), "equal-"));
    const source = "test/fixtures/data/folder/spiral";
    for (const [to, from] of [
      ["a/1.png", "alpha.png"],
      ["a/2.jpg", "photo.jpg"],
      ["b/3.png", "alpha.png"],
    ]) {
      await cp(join(source, from), join(folder, to));
    }
    // The same size and middle, but another end.
    const bytes = await readFile(join(source, "photo.jpg"));
    bytes[bytes.length - 3] ^= 1;
    await writeFile(join(folder, "b/4.jpg"), bytes);
    const set = await openDataset(folder);
    const unread = { ...set, read: () => assert.fail("reads images") };
    const { pairs } = await findDuplicates(unread, { images: "files" });
    assert.deepEqual(pairs, [{ first: 0, second: 2, why: "file" }]);
    await rm(folder, { recursive: true });
  });

  it("duplicates: equal positions are one object, and −9999 is none", async () => {
    const set = await openDataset(data("blank_cutouts.h5"));
    const ra = Float64Array.from({ length: 600 }, (_, i) => (i < 300 ? 10 : -9999));
    const dec = Float64Array.from(ra);
    const { pairs } = await findDuplicates({ ...set, table: { ra, dec } }, { images: false });
    assert.equal(pairs.length, 299);
    const north = { ra, dec: ra.map(() => 10) };
    const known = await findDuplicates({ ...set, table: north }, { images: false });
    assert.equal(known.pairs.length, 299, "a declination alone is no position");
    await set.close();
  });
});
