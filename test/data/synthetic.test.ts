import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { UserError } from "#lib/core/errors";
import { galaxy10DecalsClasses } from "#lib/data/galaxy10";
import { makeGalaxy } from "#lib/data/simulator";
import { makeSynthetic, open } from "#lib/data/synthetic";
import { encodeNpy } from "#lib/io/npy";

describe("data/synthetic", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "synthetic-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("makes the same galaxy of the same seed and index, alone or among others", async () => {
    const path = await makeSynthetic(join(folder, "a"), { count: 5, size: 32, seed: 9 });
    const { openGalaxy10 } = await import("#lib/data/galaxy10");
    const set = await openGalaxy10(path);
    for (const i of [4, 0]) {
      const alone = makeGalaxy(9, i, 32);
      assert.deepEqual(await set.read([i]), alone.image);
      assert.equal(set.table.label[i], alone.truth.label);
      assert.ok(Math.abs(Number(set.table.ra[i]) - alone.ra) < 1e-12);
    }
    assert.notDeepEqual(makeGalaxy(9, 1, 32).image, makeGalaxy(10, 1, 32).image);
    await set.close();
  });

  it("makes the bytes that it made on other machines", () => {
    const hash = createHash("sha256");
    for (let i = 0; i < 30; i++) hash.update(makeGalaxy(42, i, 48).image);
    assert.equal(hash.digest("hex").slice(0, 16), "80932416069f9a9c");
  });

  it("keeps a set that is whole, and makes it anew when it is not or was made otherwise", async () => {
    const at = join(folder, "b");
    const path = await makeSynthetic(at, { count: 3, size: 16, seed: 1 });
    const csv = path.replace(".h5", ".csv");
    const first = (await stat(path)).mtimeMs;
    await makeSynthetic(at, { count: 3, size: 16, seed: 1 });
    assert.equal((await stat(path)).mtimeMs, first);
    await rm(csv);
    await makeSynthetic(at, { count: 3, size: 16, seed: 1 });
    assert.equal((await readFile(csv, "utf8")).trim().split("\n").length, 4);
    await makeSynthetic(at, { count: 4, size: 16, seed: 1 });
    assert.equal((await readFile(csv, "utf8")).trim().split("\n").length, 5);
  });

  it("opens with the truth as columns", async () => {
    // A small set in the place of the usual one: `open` takes what was made.
    const data = join(folder, "data");
    const at = join(data, "synthetic");
    const path = await makeSynthetic(at, { count: 40, size: 16 });
    const set = await open(data);
    assert.equal(set.name, "synthetic");
    assert.deepEqual(set.classNames, galaxy10DecalsClasses);
    for (const key of ["ra", "dec", "redshift", "magnitude", "radius", "pitch", "barFraction"]) {
      assert.equal(set.table[key].length, 40, key);
    }
    for (let i = 0; i < 40; i++) {
      const { label, barFraction, pitch, separation, axisRatio } = set.table;
      assert.equal(Number(barFraction[i]) > 0, label[i] === 5);
      assert.equal(Number(separation[i]) > 0, label[i] === 1);
      if (label[i] === 6) assert.ok(Number(pitch[i]) < 15);
      if (label[i] === 7) assert.ok(Number(pitch[i]) > 15);
      if (Number(label[i]) >= 8) assert.ok(Number(axisRatio[i]) < 0.2);
    }
    await set.close();

    // Votes are drawn once and kept beside the set; damaged ones are drawn again.
    const again = async () => {
      const opened = await open(data);
      await opened.close();
      return opened.votes;
    };
    const kept = path.replace(".h5", "-votes.npy");
    const bytes = await readFile(kept);
    assert.deepEqual(await again(), set.votes);
    await writeFile(kept, bytes.subarray(0, 500));
    assert.deepEqual(await again(), set.votes);
    assert.deepEqual(await readFile(kept), bytes);
    await writeFile(kept, encodeNpy(new Float32Array(39 * 34), [39, 34]));
    assert.deepEqual(await again(), set.votes, "of another number of galaxies");
    const others = Buffer.from(bytes);
    others.writeFloatLE(7, bytes.length - 34 * 4);
    await writeFile(kept, others);
    assert.notDeepEqual(await again(), set.votes);
    await makeSynthetic(at, { count: 40, size: 16, seed: 2 });
    assert.equal(await stat(kept).catch(() => undefined), undefined, "those of the set before");
  });

  it("puts the light where the parameters say", () => {
    // Second moments of the bright pixels give the position angle back.
    let checked = 0;
    for (let i = 0; checked < 6; i++) {
      const { image, truth } = makeGalaxy(3, i, 64);
      if (truth.label !== 8) continue;
      checked++;
      let [xx, yy, xy] = [0, 0, 0];
      for (let y = 0; y < 64; y++) {
        for (let x = 0; x < 64; x++) {
          const [dx, dy] = [x - 31.5, y - 31.5];
          const weight = Math.max(0, image[(y * 64 + x) * 3 + 1] - 70);
          if (dx * dx + dy * dy > 18 ** 2) continue;
          xx += weight * dx * dx;
          yy += weight * dy * dy;
          xy += weight * dx * dy;
        }
      }
      const angle = (0.5 * Math.atan2(2 * xy, xx - yy) * 180) / Math.PI;
      const off = Math.abs(((angle - truth.positionAngle + 270) % 180) - 90);
      assert.ok(off < 12, `angle ${angle}, made with ${truth.positionAngle}`);
    }
  });

  it("says so when the disk is full, and leaves nothing half-made", async () => {
    // A limit on the size of files stands for the full disk: writing fails in the same place.
    const at = join(folder, "full");
    const script = `require("#lib/data/synthetic")
      .makeSynthetic(${JSON.stringify(at)}, { count: 150, size: 32 })
      .then(() => console.log("made"), (error) => console.log(error.name, error.message))`;
    const { stdout } = await promisify(execFile)("sh", [
      "-c",
      'ulimit -f 200; exec "$0" -e "$1"',
      process.execPath,
      script,
    ]);
    assert.match(stdout, /^UserError .*synthetic.h5 cannot be written: .*EFBIG.*\n.*another disk/);
    assert.deepEqual(await readdir(at), []);
  });

  it("refuses impossible sizes", async () => {
    await assert.rejects(makeSynthetic(folder, { count: 0 }), UserError);
    await assert.rejects(makeSynthetic(folder, { size: 8 }), UserError);
  });
});
