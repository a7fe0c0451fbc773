import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { Random } from "#lib/core/random";
import { crossMatch, type Positions } from "#lib/data/cross-match";
import type { Dataset } from "#lib/data/dataset";
import { findDuplicates } from "#lib/data/duplicates";
import { openGalaxy10 } from "#lib/data/galaxy10";
import { splitPresets, stratifiedSplit } from "#lib/data/splits";

/** Vincenty's formula: exact at all distances, and no chord in it. */
function distance(a: Positions, i: number, b: Positions, j: number): number {
  const d = Math.PI / 180;
  const [p, q, l] = [a.dec[i] * d, b.dec[j] * d, (a.ra[i] - b.ra[j]) * d];
  const y = Math.hypot(
    Math.cos(q) * Math.sin(l),
    Math.cos(p) * Math.sin(q) - Math.sin(p) * Math.cos(q) * Math.cos(l),
  );
  const x = Math.sin(p) * Math.sin(q) + Math.cos(p) * Math.cos(q) * Math.cos(l);
  return (Math.atan2(y, x) / d) * 3600;
}

describe("data/cross-match", () => {
  const position = fc.tuple(
    fc.oneof(fc.double({ min: 0, max: 360, noNaN: true }), fc.constantFrom(0, 359.9999, 360, 180)),
    fc.oneof(fc.double({ min: -90, max: 90, noNaN: true }), fc.constantFrom(-90, 90, 89.9999, 0)),
  );
  const catalog = fc
    .array(position, { maxLength: 40 })
    .map((list) => ({ ra: list.map(([ra]) => ra), dec: list.map(([, dec]) => dec) }));

  it("finds what comparing all with all finds, poles and the meridian included", () => {
    fc.assert(
      fc.property(
        catalog,
        catalog,
        fc.double({ min: 1, max: 200_000, noNaN: true }),
        (a, b, radius) => {
          const all = crossMatch(a, b, radius, "all");
          const got = new Set(Array.from(all.first, (i, k) => `${i},${all.second[k]}`));
          const near = crossMatch(a, b, radius);
          for (const i of a.ra.keys()) {
            let least = Number.POSITIVE_INFINITY;
            for (const j of b.ra.keys()) {
              const off = distance(a, i, b, j);
              least = Math.min(least, off);
              // At the very edge rounding decides.
              if (Math.abs(off - radius) < 1e-3) continue;
              assert.equal(got.has(`${i},${j}`), off < radius);
            }
            const k = near.first.indexOf(i);
            if (Math.abs(least - radius) < 1e-3) continue;
            assert.equal(k >= 0, least < radius);
            if (k >= 0) assert.ok(Math.abs(near.separation[k] - least) < 1e-3 + 1e-9 * least);
          }
        },
      ),
    );
  });

  it("agrees with astropy", () => {
    const { a, b, radius, idx, sep } = JSON.parse(
      readFileSync("test/fixtures/data/cross_match.json", "utf8"),
    );
    const got = crossMatch(a, b, radius);
    let k = 0;
    for (const [i, wanted] of idx.entries()) {
      if (wanted < 0) continue;
      assert.equal(got.first[k], i);
      assert.equal(got.second[k], wanted);
      assert.ok(Math.abs(got.separation[k] - sep[i]) < 1e-6);
      k++;
    }
    assert.equal(k, got.first.length);
  });

  it("keeps only pairs that are each other's nearest, if asked", () => {
    const a = { ra: [10, 10.0002], dec: [0, 0] };
    const b = { ra: [10.0001], dec: [0] };
    b.ra[0] = 10.00015;
    const mutual = crossMatch(a, b, 2, "mutual");
    assert.deepEqual([Array.from(mutual.first), Array.from(mutual.second)], [[1], [0]]);
    assert.equal(crossMatch(a, b, 2).first.length, 2);
  });

  it("takes the earlier row of several at the same place", () => {
    for (let size = 1; size < 40; size++) {
      const many = { ra: Array<number>(size).fill(10), dec: Array<number>(size).fill(-5) };
      const { second } = crossMatch({ ra: [10.0001], dec: [-5] }, many, 5);
      assert.deepEqual([...second], [0], `${size} rows`);
    }
  });

  it("matches large catalogs quickly", function () {
    this.timeout(120_000);
    const random = new Random(1);
    const n = 100_000;
    const ra = Float64Array.from({ length: n }, () => random.uniform(0, 360));
    const dec = Float64Array.from({ length: n }, () => random.uniform(-60, 60));
    const moved = { ra, dec: dec.map((d) => d + 1 / 3600) };
    const start = performance.now();
    const { separation } = crossMatch({ ra, dec }, moved, 2);
    assert.equal(separation.length, n);
    assert.ok(performance.now() - start < 30_000);
  });

  it("names rows without a position", () => {
    const good = { ra: [1, 2], dec: [3, 4] };
    assert.throws(
      () => crossMatch(good, { ra: [1, Number.NaN], dec: [0, 0] }, 2),
      /Row 2 of the second/,
    );
    assert.throws(() => crossMatch({ ra: [1], dec: [91] }, good, 2), /Row 1 of the first.*dec 91/);
    assert.throws(() => crossMatch(good, good, 0), /radius is 0/);
    assert.throws(() => crossMatch({ ra: [1], dec: [] }, good, 1), /1 values of ra and 0 of dec/);
  });
});

describe("data/duplicates", () => {
  it("finds objects that are there twice, and keeps them in one split", async () => {
    const set = await openGalaxy10("test/fixtures/data/galaxy10_contiguous.h5");
    const random = new Random(4);
    const noise = Array.from({ length: 20 }, () =>
      Uint8Array.from({ length: 144 }, () => random.integer(256)),
    );
    noise[7] = noise[3].map((v) => Math.min(255, v + 2));
    const ra = Float64Array.from({ length: 20 }, (_, i) => (i === 12 ? 5 : i));
    const dataset: Dataset = {
      ...set,
      size: 20,
      imageSize: [8, 6],
      table: { id: [], label: new Int32Array(20), ra, dec: new Float64Array(20) },
      read: async (rows) =>
        Uint8Array.from(Array.from(rows).flatMap((row) => Array.from(noise[row]))),
    };
    const { pairs, groups } = await findDuplicates(dataset);
    assert.deepEqual(pairs, [
      { first: 5, second: 12, why: "position" },
      { first: 3, second: 7, why: "image" },
    ]);
    assert.deepEqual([groups[12], groups[7], groups[4]], [5, 3, 4]);
    for (let seed = 0; seed < 20; seed++) {
      const split = stratifiedSplit(new Int32Array(20), splitPresets["64/16/20"], { seed, groups });
      assert.equal(split[5], split[12]);
      assert.equal(split[3], split[7]);
    }
    await set.close();
  });
});
