import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import Papa from "papaparse";
import sharp from "sharp";
import { UserError } from "#lib/core/errors";
import { readFits } from "#lib/data/fits";
import { openFits } from "#lib/data/fits-file";
import { parseHeader } from "#lib/data/fits-header";
import { legacyRgb, luptonRgb } from "#lib/data/lupton";

const fixtures = "test/fixtures/data/fits";
const real = "../shared/data/fits";

function same(actual: ArrayLike<number>, wanted: (number | null)[], tolerance = 1e-6): void {
  assert.equal(actual.length, wanted.length);
  for (const [i, value] of wanted.entries()) {
    if (value === null) assert.ok(Number.isNaN(actual[i]), `pixel ${i} is ${actual[i]}`);
    else {
      const off = Math.abs(actual[i] - value);
      assert.ok(
        off <= tolerance * Math.max(1, Math.abs(value)),
        `pixel ${i}: ${actual[i]}, ${value}`,
      );
    }
  }
}

describe("data/fits", async () => {
  let folder = "";
  let expected: Record<string, { shape: number[]; values: (number | null)[] }> & {
    lupton: { bands: (number | null)[][]; default: number[]; Q3: number[] };
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fits-"));
    expected = JSON.parse(await readFile("test/fixtures/data/fits_expected.json", "utf8"));
  });
  after(() => rm(folder, { recursive: true }));

  for (const name of ["u1", "i2", "i4", "i8", "f4", "f8", "u2", "u4", "cube", "scaled"]) {
    it(`reads ${name} as astropy does`, async () => {
      const file = await openFits(`${fixtures}/${name}.fits`);
      const { values, shape } = file.image();
      file.close();
      assert.deepEqual(shape, expected[name].shape);
      same(values, expected[name].values);
    });
  }

  for (const ending of ["gz", "bz2"]) {
    it(`unpacks ${ending}`, async () => {
      const { values } = (await openFits(`${fixtures}/f8.fits.${ending}`)).image();
      same(values, expected.f8.values, 0);
      const packed = await readFile(`${fixtures}/f8.fits.${ending}`);
      const path = join(folder, `half.fits.${ending}`);
      await writeFile(path, packed.subarray(0, packed.length / 2));
      await assert.rejects(openFits(path), /cannot be unpacked/);
    });
  }

  it("reads headers: quotes, long texts, long keys, numbers, comments", async () => {
    const file = await openFits(`${fixtures}/multi.fits`);
    const { header } = file.hdus[0];
    assert.equal(header.get("OBJECT"), 'M 51\'s twin / "B"');
    assert.equal(header.cards.find((c) => c.key === "OBJECT")?.comment, "a quote and a slash");
    assert.equal(header.number("EXPTIME", 0), 150);
    assert.equal(header.get("NCOMB"), -3);
    assert.equal(header.get("FLAT"), true);
    assert.equal(header.get("ESO DET NAME"), "long key");
    assert.equal(header.text("LONG"), `${"x".repeat(150)}end`);
    assert.equal(header.get("EMPTY"), "");
    assert.equal(header.get("NOTHING"), undefined);
    file.close();
  });

  it("reads binary tables column by column", async () => {
    const file = await openFits(`${fixtures}/multi.fits`);
    assert.deepEqual(
      file.hdus.map((u) => [u.kind, u.name]),
      [
        ["image", ""],
        ["table", "CATALOGUE"],
        ["image", "IVAR"],
      ],
    );
    same(file.image("IVAR").values, expected.f4.values);
    const table = file.table();
    assert.deepEqual(table.name, ["M 31", "", "N7331"]);
    same(table.flag as Float32Array, [1, 0, 1]);
    same(table.byte as Int32Array, [0, 7, 255]);
    same(table.short as Float64Array, [-5, null, 32767]);
    same(table.int as Int32Array, [-(2 ** 31), 0, 5]);
    same(table.long as Float64Array, [1, -2, 3]);
    assert.deepEqual(table.objid, ["587722981742084144", "1", "2"]);
    same(table.real as Float32Array, [0.5, null, -1e10]);
    same(table.double as Float64Array, [1 / 3, 1e300, 0]);
    same(table.vector_2 as Float32Array, [1, 4, 7]);
    same(table.scaled as Float64Array, [10.5, 11, 12]);
    assert.equal(table.bits, undefined);
    const part = file.table({ columns: ["long"], from: 1, to: 2 });
    assert.deepEqual(Object.keys(part), ["long"]);
    same(part.long as Float64Array, [-2]);
    assert.throws(
      () => file.table({ columns: ["mass"] }),
      /no column 'mass'; the table has name, /,
    );
    assert.throws(() => file.table({ columns: ["bits"] }), /'bits' has the format 11X/);
    assert.throws(() => file.image("CATALOGUE"), /HDU CATALOGUE is no image; the file has 0 /);
    assert.throws(() => file.table({ hdu: 7 }), UserError);
    file.close();
  });

  it("keeps the last digit of 64-bit integers, whatever null and zero are, and every column its name", () => {
    const block = (...cards: string[]) =>
      [...cards, "END"]
        .map((card) => card.padEnd(80))
        .join("")
        .padEnd(2880);
    const of = (extension: string, width: number, rows: number, cards: string[], data: Buffer) =>
      readFits(
        "x.fits",
        Buffer.concat([
          Buffer.from(block("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0")),
          Buffer.from(
            block(
              ...[`XTENSION= '${extension}'`, "BITPIX  = 8", "NAXIS   = 2", `NAXIS1  = ${width}`],
              ...[`NAXIS2  = ${rows}`, "PCOUNT  = 0", "GCOUNT  = 1", ...cards],
            ),
          ),
          data,
          Buffer.alloc(2880 - data.length),
        ]),
      ).table();
    const numbers = (...values: bigint[]) => {
      const data = Buffer.alloc(8 * values.length);
      for (const [i, value] of values.entries()) data.writeBigInt64BE(value, 8 * i);
      return data;
    };
    const [id, null_] = [1237648720693755918n, 9223372036854775807n];
    const column = ["TFIELDS = 1", "TFORM1  = 'K'", "TTYPE1  = 'objid'"];
    const nulls = [...column, `TNULL1  = ${null_}`];
    assert.deepEqual(of("BINTABLE", 8, 2, nulls, numbers(id, null_)).objid, [String(id), ""]);
    const moved = [...column, `TZERO1  = ${id}`];
    assert.deepEqual(of("BINTABLE", 8, 2, moved, numbers(0n, 1n)).objid, [
      String(id),
      String(id + 1n),
    ]);
    const text = ["TFIELDS = 1", "TFORM1  = 'I20'", "TBCOL1  = 1", "TTYPE1  = 'objid'"];
    const written = Buffer.from(`${String(id).padStart(20)}${String(null_).padStart(20)}`);
    const wanted = [`TNULL1  = ${null_}`, `TZERO1  = ${id}`];
    const read = of("TABLE   ", 20, 2, [...text, ...wanted], written);
    assert.deepEqual(read.objid, [String(2n * id), ""]);
    const names = [
      ...["TFIELDS = 3", "TFORM1  = '2K'", "TTYPE1  = 'flux'", "TFORM2  = 'K'"],
      ...["TTYPE2  = 'flux_1'", "TFORM3  = 'K'", "TTYPE3  = '__proto__'"],
    ];
    const table = of("BINTABLE", 32, 1, names, numbers(1n, 2n, 3n, 4n));
    assert.deepEqual(Object.keys(table), ["flux_1", "flux_2", "flux_1_2", "__proto__"]);
    assert.deepEqual(Object.values(table).map(Number), [1, 2, 3, 4]);
  });

  it("says what is wrong with a file", async () => {
    const whole = await readFile(`${fixtures}/f8.fits`);
    const path = join(folder, "bad.fits");
    const refused = async (bytes: Uint8Array | string, words: RegExp) => {
      await writeFile(path, bytes);
      await assert.rejects(
        openFits(path),
        (e: unknown) => e instanceof UserError && words.test(e.problem),
      );
    };
    await refused(
      whole.subarray(0, 2900),
      /bad.fits: truncated FITS file: .*HDU 0.*20 of 96 bytes/,
    );
    await refused(whole.subarray(0, 1000), /truncated FITS file: the header of HDU 0 has no END/);
    await refused("<html>", /not a FITS file/);
    await refused("", /not a FITS file/);
    await assert.rejects(openFits(join(folder, "none.fits")), /no such file/);
  });

  it("parses whatever cards a header holds", () => {
    const value = fc.oneof(
      fc.string({ unit: fc.constantFrom(..."abc '/=&123"), maxLength: 20 }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 }),
      fc.boolean(),
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), (values) => {
        const cards = values.map((v, i) => {
          const text =
            typeof v === "string"
              ? `'${v.replaceAll("'", "''")}'`
              : typeof v === "boolean"
                ? v
                  ? "T"
                  : "F"
                : String(v).toUpperCase();
          return `${`KEY${i}`.padEnd(8)}= ${text.padStart(20)} / note`.padEnd(80);
        });
        const all = [...cards, "END".padEnd(80)].join("");
        const text = all.padEnd(Math.ceil(all.length / 2880) * 2880);
        const parsed = parseHeader((i) => text.slice(i * 2880, (i + 1) * 2880) || undefined);
        assert.ok(parsed);
        assert.equal(parsed.length, text.length);
        for (const [i, v] of values.entries()) {
          const got = parsed.header.get(`KEY${i}`);
          assert.equal(got, typeof v === "string" ? v.trimEnd() : v === 0 ? 0 : v);
        }
      }),
    );
    assert.equal(
      parseHeader(() => " ".repeat(100)),
      undefined,
    );
  });

  it("survives any damage with an error for people", async () => {
    const whole = await readFile(`${fixtures}/multi.fits`);
    const path = join(folder, "fuzz.fits");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }),
        async (changes) => {
          const bytes = Buffer.from(whole);
          for (const [at, to] of changes) bytes[at] = to;
          await writeFile(path, bytes);
          try {
            const file = await openFits(path);
            for (const hdu of file.hdus) {
              if (hdu.kind === "image" && hdu.length > 0) file.image(file.hdus.indexOf(hdu));
              if (hdu.kind === "table" && hdu.length > 0) file.table();
            }
            file.close();
          } catch (error) {
            assert.ok(error instanceof UserError, String(error));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  describe("Lupton RGB", () => {
    it("matches astropy", () => {
      const [r, g, b] = expected.lupton.bands.map((band) => band.map((v) => v ?? -1));
      const off = (got: Uint8Array, want: number[]) =>
        got.reduce((most, v, i) => Math.max(most, Math.abs(v - want[i])), 0);
      assert.ok(off(luptonRgb(r, g, b), expected.lupton.default) <= 1);
      const options = { minimum: [0.1, 0.2, 0] as const, stretch: 2, Q: 3 };
      assert.ok(off(luptonRgb(r, g, b, options), expected.lupton.Q3) <= 1);
    });

    it("draws NaN black, keeps the color of what is too bright", () => {
      assert.deepEqual(Array.from(luptonRgb([Number.NaN], [1], [1])), [0, 0, 0]);
      const [r, g, b] = luptonRgb([4e6], [2e6], [1e6]);
      assert.deepEqual([r, g, b], [255, 127, 63]);
      assert.throws(() => luptonRgb([1], [1, 2], [1]), /1, 2 and 1 pixels/);
      assert.throws(() => luptonRgb([1], [1], [1], { stretch: 0 }), /stretch 0/);
    });

    it("draws empty sky as dark gray, as the Legacy Survey viewer does", () => {
      assert.deepEqual(Array.from(legacyRgb([0], [0], [0])), [32, 32, 32]);
    });
  });

  describe("real files", () => {
    before(function () {
      if (!existsSync(real)) this.skip();
    });

    it("NGC 6976 in color", async () => {
      const bands = ["i", "r", "g"].map(async (band) => {
        const file = await openFits(`${real}/ngc6976_sdss_${band}.fits.bz2`);
        return file.image().values;
      });
      const [red, green, blue] = await Promise.all(bands);
      for (const [name, options] of [
        ["default", {}],
        ["Q10_stretch0.5", { Q: 10, stretch: 0.5 }],
      ] as const) {
        const rgb = luptonRgb(red, green, blue, options);
        const path = `${real}/ngc6976_lupton_expected_${name}.png`;
        const png = await sharp(path).removeAlpha().raw().toBuffer();
        assert.equal(rgb.length, png.length);
        const worst = rgb.reduce((most, v, i) => Math.max(most, Math.abs(v - png[i])), 0);
        assert.ok(worst <= 1, `${name} off by ${worst}`);
      }
    });

    it("a GZ2 table equal to its CSV", async () => {
      const file = await openFits(`${real}/gz2_stripe82_table.fits.gz`);
      const table = file.table();
      const csv = gunzipSync(await readFile("../shared/data/gz2-splits/gz2_stripe82_table.csv.gz"));
      const [names, ...rows] = Papa.parse<string[]>(csv.toString(), { skipEmptyLines: true }).data;
      const columns = Object.values(table);
      assert.deepEqual([columns.length, names.length, rows.length], [228, 228, 19761]);
      for (const [c, column] of columns.entries()) {
        const wrong = rows.findIndex((cells, row) => {
          const [a, b] = [column[row], cells[c]];
          if (typeof a === "string") return a !== b;
          return !(Math.abs(a - Number(b)) <= 2e-6 * Math.max(1, Math.abs(a)));
        });
        assert.equal(wrong, -1, `${names[c]} row ${wrong}: ${column[wrong]}`);
      }
    });

    it("extensions, integers, tables and a download that broke off", async () => {
      const legacy = await openFits(`${real}/legacy_multi_extension.fits`);
      assert.equal(legacy.hdus.length, 7);
      assert.deepEqual(legacy.image().shape, [256, 256]);
      const m51 = (await openFits(`${real}/m51_int16.fits`)).image();
      assert.ok(m51.values.every(Number.isFinite));
      const aegis = (await openFits(`${real}/aegis_binary_table.fits`)).table();
      assert.equal(aegis.RA.length, 5);
      await assert.rejects(openFits(`${real}/truncated.fits`), /truncated FITS file/);
      const bad = (await openFits(`${real}/decals_grz_example_bad_pix.fits`)).image();
      assert.deepEqual(bad.shape, [3, 424, 424]);
    });
  });
});
