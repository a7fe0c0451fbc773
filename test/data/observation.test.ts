import assert from "node:assert/strict";
import { Random } from "#lib/core/random";
import { angularDistance } from "#lib/data/angular-size";
import { instrumentOf } from "#lib/data/instrument-of";
import { legacyFluxes, legacyRgb } from "#lib/data/lupton";
import { type Instrument, observeAgain } from "#lib/data/observation";
import { observedDataset } from "#lib/data/observed-dataset";
import { oddKinds, oddPictures } from "#lib/data/odd-pictures";
import { sameGalaxies } from "#lib/data/same-galaxies";
import { secondSurvey } from "#lib/data/second-survey";
import { fieldOfView, makeGalaxy, observeGalaxy } from "#lib/data/simulator";
import { tinyDataset } from "../train/support";

const size = [64, 64] as const;
const from: Instrument = { pixelScale: fieldOfView / 64, seeing: 1.2 };

/** Sum of r in the middle, a circle of so many pixels. */
function flux(image: ArrayLike<number>, radius: number): number {
  const [, r] = legacyFluxes(image);
  return r.reduce((sum, value, i) => {
    const d = Math.hypot((i % 64) - 31.5, Math.floor(i / 64) - 31.5);
    return sum + (d < radius ? value : 0);
  }, 0);
}

/** Standard deviation of r in the corners. */
function noise(image: ArrayLike<number>): number {
  const [, r] = legacyFluxes(image);
  const corner = Array.from(r.filter((_, i) => i % 64 < 10 && i < 640)).sort((a, b) => a - b);
  return (corner[84] - corner[16]) / 2;
}

describe("data/observation", () => {
  const field = () => ({ build: new Random(1), field: new Random(2), noise: new Random(3) });

  it("undoes the Legacy Survey's stretch", () => {
    const random = new Random(1);
    const bands = [0, 1, 2].map(() =>
      Float64Array.from({ length: 50 }, () => random.uniform(0, 0.04)),
    );
    const [z, r, g] = legacyFluxes(legacyRgb(bands[0], bands[1], bands[2]));
    for (const [back, band] of [
      [g, bands[0]],
      [r, bands[1]],
      [z, bands[2]],
    ] as const) {
      for (const [i, value] of band.entries()) assert.ok(Math.abs(back[i] - value) < 2e-3);
    }
  });

  it("leaves a picture nearly as it is where nothing is asked", () => {
    const { image } = makeGalaxy(3, 7, 64);
    const same = observeAgain(image, size, from, {}, 1);
    assert.ok(image.every((value, i) => value > 240 || Math.abs(value - same[i]) <= 2));
    const linear = { ...from, stretch: "linear" } as const;
    assert.deepEqual(observeAgain(image, size, linear, {}, 1), image);
  });

  it("keeps the light when it blurs, and makes noise as deep as asked", () => {
    const { image } = makeGalaxy(3, 7, 64);
    const blurred = observeAgain(image, size, from, { seeing: 2.4 }, 1);
    assert.ok(Math.abs(flux(blurred, 28) / flux(image, 28) - 1) < 0.05);
    assert.ok(flux(blurred, 3) < 0.95 * flux(image, 3));
    const before = noise(image);
    const shallow = observeAgain(image, size, from, { depth: -1 }, 1);
    assert.ok(Math.abs(noise(shallow) / before / 2.512 - 1) < 0.3, `${noise(shallow) / before}`);
    const coarse = observeAgain(image, size, from, { pixelScale: 1.8 }, 1);
    assert.ok(Math.abs(flux(coarse, 28) / flux(image, 28) - 1) < 0.05);
    assert.deepEqual(observeAgain(image, size, from, { depth: -1 }, 1), shallow);
    assert.notDeepEqual(observeAgain(image, size, from, { depth: -1 }, 2), shallow);
  });

  it("moves galaxies away as the simulator itself makes them there", () => {
    const [z0, z1] = [0.04, 0.08];
    const shrink = angularDistance(z0) / angularDistance(z1);
    const dim = ((1 + z0) / (1 + z1)) ** 4;
    let ratios = 0;
    for (let i = 0; i < 12; i++) {
      const { truth } = makeGalaxy(5, i, 64);
      const plain = { ...truth, separation: 0, fluxRatio: 0 };
      const near = observeGalaxy(plain, 64, field());
      const away = {
        ...plain,
        radius: plain.radius * shrink,
        magnitude: plain.magnitude - 2.5 * Math.log10(shrink ** 2 * dim),
      };
      const direct = observeGalaxy(away, 64, field());
      const moved = observeAgain(near, size, from, { redshift: [z0, z1] }, i);
      const ratio = flux(moved, 14) / flux(direct, 14);
      assert.ok(Math.abs(ratio - 1) < 0.25, `${i}: ${ratio}`);
      ratios += ratio / 12;
      assert.ok(
        Math.abs(noise(moved) / noise(direct) - 1) < 0.5,
        `${noise(moved)} ${noise(direct)}`,
      );
    }
    assert.ok(Math.abs(ratios - 1) < 0.08, `${ratios}`);
  });

  it("refuses what no picture shows", () => {
    const { image } = makeGalaxy(3, 7, 64);
    const refuse = (to: object, message: RegExp) =>
      assert.throws(() => observeAgain(image, size, from, to, 1), message);
    refuse({ seeing: 0.5 }, /a seeing of 0\.5″ from a picture of 1\.2″/);
    refuse({ depth: 1 }, /a depth of 1 magnitudes more/);
    refuse({ pixelScale: 0.1 }, /pixels of 0\.1″/);
    refuse({ redshift: [0.1, 0.05] }, /redshift 0\.05 from redshift 0\.1/);
    refuse({ redshift: [0, 0.05] }, /has no distance/);
  });

  it("is what another data set of the same galaxies shows, the same every time", async () => {
    const dataset = tinyDataset();
    const [side] = dataset.imageSize;
    const seen = observedDataset(dataset, { pixelScale: 1, seeing: 1 }, { depth: -2 });
    const all = await seen.read([4, 5]);
    assert.equal(all.length, 2 * side * side * 3);
    assert.notDeepEqual(all, await dataset.read([4, 5]));
    assert.deepEqual(await seen.read([5]), all.slice(all.length / 2));
  });
});

describe("data/odd-pictures", () => {
  for (const kind of oddKinds) {
    it(`draws ${kind}s that differ, the same every time`, async () => {
      const dataset = oddPictures(kind, { count: 3, size: 32 });
      const images = await dataset.read([0, 1, 2]);
      assert.equal(images.length, 3 * 32 * 32 * 3);
      const [a, b] = [images.slice(0, 3072), images.slice(3072, 6144)];
      assert.notDeepEqual(a, b);
      assert.deepEqual(await oddPictures(kind, { count: 9, size: 32 }).read([1]), b);
      assert.ok(new Set(a).size > 5);
    });
  }

  it("knows its kinds", () => {
    assert.throws(() => oddPictures("cat" as never), /no kind of picture "cat"/);
  });
});

describe("data/same-galaxies", () => {
  const table = (ra: number[], dec: number[]) => ({
    name: "one",
    table: { id: ra.map(String), ra, dec },
  });

  it("finds galaxies that two surveys have in common, and passes over those without a position", () => {
    const first = table([10, 20, Number.NaN, 30], [0, 0, 0, 5]);
    const second = table([30.0001, 50, 10.0002, 10.0001], [5, 0, 0, 0]);
    const { first: a, second: b, separation } = sameGalaxies(first, second);
    assert.deepEqual(
      [[...a], [...b]],
      [
        [0, 3],
        [3, 0],
      ],
    );
    assert.ok(Math.abs(separation[0] - 0.36) < 1e-6);
    assert.throws(() => sameGalaxies(first, table([99], [0])), /no galaxy within 2″/);
    assert.throws(
      () => sameGalaxies(first, { name: "b", table: { id: ["a"] } }),
      /b has no columns ra/,
    );
  });
});

describe("data/second-survey", () => {
  const tiny = tinyDataset(50, 32);
  const table = {
    ...tiny.table,
    ra: Array.from({ length: 50 }, (_, i) => 359.9999 + i / 50),
    dec: Array.from({ length: 50 }, (_, i) => (i % 2 ? 60 : -60)),
    split: Array.from({ length: 50 }, () => "train"),
  };
  const votes = {
    questions: [{ name: "smooth", answers: ["yes", "no"] }],
    answers: ["yes", "no"],
    fractions: Float64Array.from({ length: 100 }, (_, i) => i),
    asked: Float64Array.from({ length: 50 }, (_, i) => i),
  };
  const dataset = { ...tiny, table, votes };
  const second = secondSurvey(dataset, { pixelScale: 1, seeing: 1 }, { depth: -1 }, { seed: 3 });

  it("has some of the galaxies, which are found again by position, with their classes and votes", async () => {
    const { first, second: there, separation } = sameGalaxies(dataset, second, 2);
    assert.equal(second.size, 40);
    assert.equal(first.length, 40);
    assert.ok(separation.every((away) => away > 0 && away < 1.2));
    assert.notDeepEqual(there, there.slice().sort());
    assert.equal(second.table.split, undefined);
    for (const [i, row] of first.entries()) {
      assert.equal(second.table.label[there[i]], tiny.table.label[row]);
      assert.equal(second.votes?.fractions[2 * there[i] + 1], 2 * row + 1);
      assert.equal(second.votes?.asked?.[there[i]], row);
      assert.match(String(second.table.id[there[i]]), /^second \d+$/);
    }
    const again = observedDataset(tiny, { pixelScale: 1, seeing: 1 }, { depth: -1 });
    assert.deepEqual(
      await second.read([there[5], there[9]]),
      await again.read([first[5], first[9]]),
    );
    assert.throws(() => secondSurvey(tiny, from, {}), /tiny has no columns ra and dec/);
  });

  it("is taken by an instrument whose pixels are those that are read", () => {
    const taken = { ...tiny, table: { ...table, pxscale: [Number.NaN, 0.2, 0.3, 0.3, 0.4] } };
    assert.deepEqual(instrumentOf(taken, 1.2), { pixelScale: 0.3, seeing: 1.2 });
    const shown = { ...taken, sourceSize: [256, 256] as const, view: { crop: 128, size: 32 } };
    assert.deepEqual(instrumentOf(shown, 1.2), { pixelScale: 1.2, seeing: 1.2 });
    assert.throws(() => instrumentOf(tiny, 1), /tiny has no column pxscale/);
  });
});
