import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { UserError } from "#lib/core/errors";
import { readFits } from "#lib/data/fits";
import { openFits } from "#lib/data/fits-file";
import { fitsRgb } from "#lib/data/fits-image-file";

const folder = "test/fixtures/data/fits-tiles";
type Expected = Record<string, { shape: number[]; values: (number | null)[] }>;
const expected: Expected = JSON.parse(readFileSync(`${folder}/expected.json`, "utf8"));
/** What has no reader is named. */
const unread = /^(PLIO|HCOMPRESS)/;

describe("data/fits: images compressed in tiles", () => {
  for (const [name, { shape, values }] of Object.entries(expected)) {
    const path = `${folder}/${name}.fits.fz`;
    if (unread.test(name)) {
      it(`names ${name}`, async () => {
        const file = await openFits(path);
        const method = name.replace(/_i2$/, "");
        assert.throws(() => file.image(), new RegExp(`compressed by ${method}, which is not read`));
        file.close();
      });
      continue;
    }
    it(`reads ${name} as astropy does`, async () => {
      const file = await openFits(path);
      const image = file.image();
      file.close();
      assert.deepEqual(image.shape, shape);
      for (const [i, value] of values.entries()) {
        const read = image.values[i];
        if (value === null) assert.ok(Number.isNaN(read), `pixel ${i} is ${read}`);
        else
          assert.ok(
            Math.abs(read - value) <= 1e-6 * Math.max(1, Math.abs(value)),
            `${i}: ${read}, ${value}`,
          );
      }
    });
  }

  it("becomes a picture, by the first image or by number", async () => {
    for (const hdu of [undefined, 1]) {
      const { width, height } = await fitsRgb([`${folder}/RICE_1_no_dither.fits.fz`], { hdu });
      assert.deepEqual([width, height], [37, 23]);
    }
  });

  it("says where gzip cannot be unpacked, and what is damaged", () => {
    const gzip = readFileSync(`${folder}/GZIP_1_i2.fits.fz`);
    assert.throws(() => readFits("x.fz", gzip).image(), /x\.fz: .*gzip, which is not read here/);
    const rice = readFileSync(`${folder}/RICE_1_i2.fits.fz`);
    const text = rice.toString("latin1");
    for (const [from, to, words] of [
      ["ZNAXIS1 =                   37", "ZNAXIS1 =             99999999", /tiles of/],
      ["ZTILE1  =                   16", "ZTILE1  =                    0", /axes 37 × 23/],
      ["ZBITPIX =                   16", "ZBITPIX =                   17", /ZBITPIX 17/],
    ] as const) {
      assert.ok(text.includes(from), from);
      const damaged = Buffer.from(text.replace(from, to), "latin1");
      assert.throws(
        () => readFits("x.fz", damaged).image(),
        (e: unknown) => e instanceof UserError && words.test(e.message),
      );
    }
  });
});

describe("data/fits: tables in text", () => {
  it("reads one as astropy does", async () => {
    const file = await openFits(`${folder}/text.fits`);
    assert.deepEqual(file.table(), {
      name: ["M 31", "", "NGC 7331"],
      count: Float64Array.of(5, -7, Number.NaN),
      objid: ["587722981742084144", "1", "2"],
      ra: Float64Array.of(10.68458, 0.5, 339.26672),
      flux: Float64Array.of(1e-5, -2.5e10, 0),
    });
    assert.deepEqual(Object.keys(file.table({ columns: ["ra"], from: 2 })), ["ra"]);
    assert.throws(() => file.table({ columns: ["dec"] }), /no column 'dec'; the table has name, /);
    file.close();
  });
});
